using InfMatch.Autograd;
using InfMatch.Tensors;

namespace InfMatch.Influence;

/// <summary>
/// The derivative of the training itself with respect to the weights of the examples: the source of step t is what the
/// change adds to the gradient of the recorded minibatch. With curvature it is exact to first order in the change;
/// without, what a gradient does at its step stays to the end, under momentum with all that the velocity makes of it.
/// Source: docs/theory.md, "The unrolled form" and "First order"; Hara, Nitanda and Maehara (NeurIPS 2019) for μ = 0.
/// </summary>
public sealed class UnrolledInfluence : ExampleInfluence
{
    private readonly LinearisedTraining _training;
    private readonly bool _curvature;

    /// <summary>The unrolled form with curvature, the first-order form without.</summary>
    public UnrolledInfluence(ExampleContext context, bool curvature) : base(context)
    {
        _curvature = curvature;
        _training = new LinearisedTraining(context.Expert, context.Field, context.Theta, curvature);
    }

    /// <inheritdoc/>
    public override string Name => _curvature ? "unrolled" : "first-order";

    /// <inheritdoc/>
    public override Tensor Displacement(Intervention intervention)
    {
        long before = _training.ImageGradients;
        Tensor delta = _training.Forward(0, Context.Last, (theta, step) =>
        {
            (Variable images, Variable labels) = Context.Expert.BatchAt(step);
            return ChangeOfLoss(intervention, Context.Expert.Replay.IndicesAt(step), images, labels) is { } change
                ? Differential.GradientAt(change, theta)
                : null;
        });
        ImageGradients += _training.ImageGradients - before;
        return delta;
    }

    /// <inheritdoc/>
    public override double[] Scores(ParameterLoss measure)
    {
        long before = _training.ImageGradients;
        var scores = new double[Data.Count];
        using var scope = TensorScope.Begin();
        _training.Backward(0, Context.Last, Cotangent(measure), (_, theta, step, b) =>
        {
            (Variable images, Variable labels) = Context.Expert.BatchAt(step);
            int[] examples = Context.Expert.Replay.IndicesAt(step);
            double[] slopes = Slopes(theta, images, labels, b);
            for (int i = 0; i < slopes.Length; i++)
                scores[examples[i]] += slopes[i];
        });
        ImageGradients += _training.ImageGradients - before;
        return scores;
    }
}
