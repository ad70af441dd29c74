using InfMatch.Nn;
using InfMatch.Tensors;

namespace InfMatch.Distill;

/// <summary>What a protocol's training follows from.</summary>
/// <param name="Dataset">Name of the data set.</param>
/// <param name="Augment">Name of the augmentation.</param>
/// <param name="Epochs">E.</param>
/// <param name="Rate">The learning rate.</param>
internal sealed record EvaluationValues(string Dataset, string Augment, int Epochs, double Rate);

/// <summary>How networks are trained on a set that is evaluated. One type in one file, found by enumeration.</summary>
internal abstract class Protocol : IKind
{
    /// <summary>The momentum, weight decay and batch of the evaluations that are built on DC's.</summary>
    protected const double Momentum = 0.9, WeightDecay = 5e-4;

    /// <inheritdoc cref="Momentum"/>
    protected const int BatchSize = 256;

    /// <inheritdoc/>
    public abstract string Name { get; }

    /// <summary>Whose it is and what it does, behind its name in the help of --protocol.</summary>
    public abstract string Help { get; }

    /// <summary>The values that it stands for where they are not given, by the property of the settings, each from what
    /// stands before it.</summary>
    public abstract IReadOnlyList<(string Property, Func<EvaluationValues, string> Text)> Values { get; }

    /// <summary>The probability of CutMix, unless the setting says otherwise.</summary>
    public virtual double CutMix => 0;

    /// <summary>Epochs between two evaluations on the test images during training, unless the setting says otherwise; 0 for none.
    /// </summary>
    public virtual int BestEvery(int epochs) => 0;

    /// <summary>How a network is trained, apart from CutMix.</summary>
    public abstract TrainingPlan Plan(EvaluationValues values, Augmentation augmentation);

    /// <summary>The optimiser of a plan of this protocol and its rates, as a part of a sentence that ends with a comma.</summary>
    public abstract string DescribeSteps(TrainingPlan plan);
}
