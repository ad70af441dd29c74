using InfMatch.Autograd;
using InfMatch.Nn;
using InfMatch.Tensors;

namespace InfMatch.Influence;

/// <summary>What each pair of D does to a measure, by its two parts; both are dm/dw of a weight, [N].</summary>
/// <param name="AsPositive">What it does as what is to be found: its own terms.</param>
/// <param name="AsNegative">What it does as what others are told apart from.</param>
public sealed record PairScoresByPart(double[] AsPositive, double[] AsNegative)
{
    /// <summary>What the pair does, [N].</summary>
    public double[] Whole => [.. AsPositive.Zip(AsNegative, (own, others) => own + others)];
}

/// <summary>
/// The influence of image-text pairs whose loss is no sum over them: the weight of a pair enters a batch's loss twice
/// (<see cref="PairLoss.Weighted(Network, Variable, Batch, Variable, Variable)"/>), and leaving it out changes both. The sum of the
/// parts is what <see cref="UnrolledInfluence"/> gives. Source: docs/vision-language.md, "The influence of a pair".
/// </summary>
/// <param name="context">The training, of which every step is recorded.</param>
/// <param name="curvature">Whether what a gradient did is followed through later steps; else it stays to the end.</param>
public sealed class PairInfluence(ExampleContext context, bool curvature = true)
{
    /// <summary>dm/dw_i of every pair by its parts, for a measure m(θ) of the last θ. NaN spreads.</summary>
    /// <exception cref="InvalidOperationException">The training is none of pairs.</exception>
    /// <exception cref="TrajectoryException">A step is not recorded.</exception>
    public PairScoresByPart Scores(ParameterLoss measure)
    {
        Expert expert = context.Expert;
        if (expert.Network.TrainingLoss is not PairLoss loss)
            throw new InvalidOperationException($"{expert.Network.Name} is trained with no loss of pairs. Take UnrolledInfluence.");
        var training = new LinearisedTraining(expert, context.Field, context.Theta, curvature);
        var scores = new PairScoresByPart(new double[expert.Data.Count], new double[expert.Data.Count]);
        using var scope = TensorScope.Begin();
        Tensor u = Differential.GradientAt(measure, context.Theta(context.Last));
        training.Backward(0, context.Last, u, (_, theta, step, b) =>
        {
            Batch batch = expert.BatchAt(step);
            int[] examples = expert.Replay.IndicesAt(step);
            Tensor ones = Tensor.Full(theta.Backend, theta.DType, new Shape(examples.Length), 1);
            Tensor[] slopes = context.Field.Mixed(
                (parameters, weights) => loss.Weighted(expert.Network, parameters, batch, weights[0], weights[1]), theta, b, [ones, ones]);
            (double[] own, double[] others) = (slopes[0].ToArray<double>(), slopes[1].ToArray<double>());
            for (int i = 0; i < examples.Length; i++)
            {
                scores.AsPositive[examples[i]] += own[i];
                scores.AsNegative[examples[i]] += others[i];
            }
        });
        return scores;
    }
}
