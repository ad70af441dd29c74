using InfMatch.Nn;
using InfMatch.Tensors;

namespace InfMatch.Distill;

/// <summary>The data that experts are trained on, whatever their task.</summary>
internal interface IExpertData
{
    /// <summary>The name of the data set.</summary>
    string Dataset { get; }

    /// <summary>D.</summary>
    LabelledImages Train { get; }

    /// <summary>The backend that holds it.</summary>
    Backend Backend { get; }

    /// <summary>What <see cref="Score"/> is of, as a line of progress says it behind a number of percent.</summary>
    string ScoreWords { get; }

    /// <summary>How good a network is under θ [p], from 0 to 1, by data that it was not trained on.</summary>
    /// <exception cref="NumericalException">Its outputs are not finite, where that would pass for a bad score.</exception>
    double Score(Network network, Tensor theta);
}
