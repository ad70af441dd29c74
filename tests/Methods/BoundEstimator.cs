using InfMatch.Methods;
using InfMatch.Tensors;

namespace InfMatch.Tests.Methods;

/// <summary>An estimator on the experts of a problem, asked for one thing at a time.</summary>
internal sealed class BoundEstimator(InfluenceEstimator estimator, EstimationContext context, int capacity = 256) : IDisposable
{
    private readonly RealDisplacements _real = new(estimator, context, capacity);

    public BoundEstimator(string name, EstimationContext context) : this(InfluenceEstimator.Of(name), context)
    {
    }

    public string Name => estimator.Name;

    public Tensor Real(Window window, int? label = null) => _real.Of(window, label);

    public Tensor Synthetic(Window window, SyntheticSet s, SyntheticLoss loss) => Displace(window, s, loss, d => d.Value);

    public SyntheticGradient Pullback(Window window, SyntheticSet s, SyntheticLoss loss, Tensor u) =>
        Displace(window, s, loss, d => d.Pullback(u));

    public InfluenceObjective Objective(WeightRule rule, ClassWise classWise = ClassWise.Off) =>
        new(estimator, context, rule, classWise);

    public void Dispose() => _real.Dispose();

    // Each θ is read when it is asked for, so that nothing but the result stays.
    private T Displace<T>(Window window, SyntheticSet s, SyntheticLoss loss, Func<Displacement, T> take)
    {
        using var open = new OpenWindow(context, window, hold: false);
        using var scope = TensorScope.Begin();
        T taken = take(estimator.Synthetic(open, s, loss));
        _ = taken switch
        {
            Tensor tensor => (object)scope.Keep(tensor),
            SyntheticGradient gradient => gradient.KeepIn(scope),
            _ => throw new InvalidOperationException("Neither a displacement nor a gradient."),
        };
        return taken;
    }
}
