using InfMatch.Autograd;
using InfMatch.Nn;
using InfMatch.Tensors;

namespace InfMatch.Influence;

/// <summary>What estimates of the influence of examples read from.</summary>
/// <param name="Expert">The training whose examples are evaluated; every step is recorded where an estimate follows
/// it.</param>
/// <param name="Field">How products with second derivatives are computed.</param>
/// <param name="Last">The checkpoint at which influence is asked for; it is taken from checkpoint 0 on.</param>
public sealed record ExampleContext(Expert Expert, SecondOrderProducts Field, int Last)
{
    /// <summary>The checkpoints at which estimates with few of them take gradients of all of D.</summary>
    public int Checkpoints { get; init; } = 5;

    /// <summary>θ [p] at a checkpoint; it belongs to the current scope.</summary>
    public Tensor Theta(int checkpoint) =>
        Expert.Trajectory.Theta(checkpoint, Expert.Data.Images.Backend, Expert.Data.Images.DType);

    /// <summary>The mean loss of all of D, without augmentation.</summary>
    /// <exception cref="InvalidOperationException">The loss is no mean over examples.</exception>
    public Variable LossOfData(Variable theta)
    {
        RequireMeanOverExamples();
        return Expert.Network.Loss(theta, Variable.Constant(Expert.Data.Images), Variable.Constant(Expert.Data.Labels));
    }

    /// <summary>Refuses a loss that compares the examples of a batch with each other: that of all of D at once is another function
    /// than what its minibatches were trained with, and is not put together from parts.</summary>
    /// <exception cref="InvalidOperationException">The loss is such a one.</exception>
    public void RequireMeanOverExamples()
    {
        if (Expert.Network.TrainingLoss is not ExampleLoss)
        {
            throw new InvalidOperationException(
                $"{Expert.Network.Name} is trained with a loss of a whole batch, and this estimate takes that of all of D. " +
                "Take first-order or unrolled, which follow the minibatches.");
        }
    }

    /// <summary>Evenly spaced checkpoints from 0 on with the sum of the rates from each to the next or to the
    /// end.</summary>
    public (int Checkpoint, double Rate)[] Spaced()
    {
        int count = Math.Min(Checkpoints, Last);
        int[] starts = [.. Enumerable.Range(0, count + 1).Select(i => (int)((long)i * Last / count))];
        return [.. Enumerable.Range(0, count).Select(i =>
            (starts[i], Expert.Trajectory.RateBetween(starts[i], starts[i + 1])))];
    }
}

/// <summary>
/// An estimate of what a change of the examples' weights does to training. To first order in the change it is a linear
/// map A from weight changes dw [N] to displacements of θ [p]: <see cref="Displacement"/> is A·dw, and since dm =
/// ⟨∇m(θ), A·dw⟩, <see cref="Scores"/> is Aᵀ∇m, for all examples at once. Source: docs/theory.md, "Examples".
/// </summary>
public abstract class ExampleInfluence(ExampleContext context)
{
    private const int ImagesAtOnce = 1000;

    /// <summary>The name by which users choose it.</summary>
    public abstract string Name { get; }

    /// <summary>Whether it says where θ goes, and not only what becomes of a measure.</summary>
    public virtual bool HasDisplacement => true;

    /// <summary>Images that gradients were taken of so far; a forward pass alone counts a third.</summary>
    public double ImageGradients { get; protected set; }

    /// <summary>What a reader of the results so far must know, such as that a curvature was negative; null for nothing.</summary>
    public virtual string? Remark => null;

    /// <summary>Where it reads from.</summary>
    protected ExampleContext Context { get; } = context;

    /// <summary>D.</summary>
    protected LabelledImages Data => Context.Expert.Data;

    /// <summary>The displacement of θ [p] under an intervention; it belongs to the current scope.</summary>
    /// <exception cref="NotSupportedException">The estimate speaks of measures only.</exception>
    public abstract Tensor Displacement(Intervention intervention);

    /// <summary>dm/dw_i of every example [N]: how a measure m(θ) of the last θ grows with the weight of example i.
    /// Leaving i out changes it by the negative. NaN spreads.</summary>
    public abstract double[] Scores(ParameterLoss measure);

    /// <summary>∇m at the last θ [p].</summary>
    protected Tensor Cotangent(ParameterLoss measure) => Differential.GradientAt(measure, Context.Theta(Context.Last));

    /// <summary>⟨∇ℓ_i(θ), v⟩/N of each of N images [N]: what its weight in their mean loss does along v.</summary>
    protected double[] Slopes(Tensor theta, Variable images, Variable labels, Tensor v)
    {
        Network network = Context.Expert.Network;
        int n = images.Shape[0];
        ImageGradients += n * (Context.Field.Mode == SecondDerivatives.Exact ? 2 : 2.0 / 3);
        using var scope = TensorScope.Begin();
        return Context.Field.Slopes(
            theta, (parameters, weights) => network.WeightedLoss(parameters, images, labels, weights), n, v)
            .ToArray<double>();
    }

    /// <summary>⟨∇ℓ_i(θ), v⟩/N of every example of D [N], without augmentation.</summary>
    protected double[] SlopesOfData(Tensor theta, Tensor v)
    {
        Context.RequireMeanOverExamples();
        var slopes = new double[Data.Count];
        for (int start = 0; start < slopes.Length; start += ImagesAtOnce)
        {
            using var scope = TensorScope.Begin();
            int[] rows = [.. Enumerable.Range(start, Math.Min(ImagesAtOnce, slopes.Length - start))];
            LabelledImages some = Data.Rows(rows);
            double[] part = Slopes(theta, Variable.Constant(some.Images), Variable.Constant(some.Labels), v);
            for (int i = 0; i < part.Length; i++)
                slopes[start + i] = part[i] * part.Length / slopes.Length;
        }
        return slopes;
    }

    /// <summary>What an intervention adds to the mean loss of all of D, without augmentation; null where that is
    /// nothing.</summary>
    protected ParameterLoss? ChangeOfDataLoss(Intervention intervention)
    {
        Context.RequireMeanOverExamples();
        return ChangeOfLoss(
            intervention, [.. Enumerable.Range(0, Data.Count)], Variable.Constant(Data.Images), Variable.Constant(Data.Labels));
    }

    /// <summary>What an intervention adds to the loss of a batch of such examples; null where that is
    /// nothing.</summary>
    protected ParameterLoss? ChangeOfLoss(Intervention intervention, int[] examples, Variable images, Variable labels)
    {
        Network network = Context.Expert.Network;
        ParameterLoss? added = intervention.AddedLoss(network);
        int[] rows = [.. Enumerable.Range(0, examples.Length).Where(r => intervention.Weights[examples[r]] != 1)];
        ImageGradients += rows.Length + (intervention.Added?.Count ?? 0);
        if (rows.Length == 0)
            return added;
        if (network.TrainingLoss is not ExampleLoss)
            return Sum(ChangeToFirstOrder(intervention, examples, images, labels), added);
        double share = (double)rows.Length / examples.Length;
        double[] change = [.. rows.Select(r => (intervention.Weights[examples[r]] - 1) * share)];
        Tensor like = labels.Value;
        Variable w = Variable.Constant(Tensor.From(like.Backend, like.DType, change, new Shape(change.Length)));
        Variable x = rows.Length == examples.Length ? images : images.GatherRows(rows);
        Variable y = rows.Length == examples.Length ? labels : labels.GatherRows(rows);
        return Sum(theta => network.WeightedLoss(theta, x, y, w), added);
    }

    // Σ_i (w_i − 1)·∂L/∂w_i at weights of 1: a pair is also what others are told apart from, so its part of L is no term of its own.
    private ParameterLoss ChangeToFirstOrder(Intervention intervention, int[] examples, Variable images, Variable labels)
    {
        Network network = Context.Expert.Network;
        Tensor like = images.Value;
        double[] values = [.. examples.Select(example => intervention.Weights[example] - 1)];
        Variable change = Variable.Constant(Tensor.From(like.Backend, like.DType, values, new Shape(values.Length)));
        Tensor ones = Tensor.Full(like.Backend, like.DType, change.Shape, 1);
        return theta =>
        {
            Variable weights = Variable.Leaf(ones);
            Variable slopes = Gradient.Of(network.WeightedLoss(theta, images, labels, weights), weights, createGraph: true);
            return slopes.Dot(change);
        };
    }

    private static ParameterLoss Sum(ParameterLoss own, ParameterLoss? added) =>
        added is null ? own : theta => own(theta) + added(theta);
}
