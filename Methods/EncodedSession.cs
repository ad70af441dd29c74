using System.Collections.Immutable;
using InfMatch.Tensors;
using InfMatch.Tensors.IO;

namespace InfMatch.Methods;

/// <summary>
/// A method that sees the first part of S through a frozen encoder: S holds pixels, say, and the method their features. The encoder
/// is run once an update, all that the method does is done on features, and its gradient goes back through one VJP, which runs the
/// encoder again.
/// </summary>
/// <param name="inner">A run of the method on features; it is disposed of together with this.</param>
/// <param name="part">The name under which the method knows the features, such as <see cref="SyntheticPairs.ImagesPart"/>.</param>
/// <param name="encoder">From the first part of S to features.</param>
public sealed class EncodedSession(MethodSession inner, string part, RecomputedRows encoder) : MethodSession
{
    /// <inheritdoc/>
    public override IReadOnlyDictionary<string, NumberPlan> Numbers => inner.Numbers;

    /// <inheritdoc/>
    public override void BeginSet() => inner.BeginSet();

    /// <inheritdoc/>
    public override MethodStep Evaluate(SyntheticSet s, int iteration, RandomKey key)
    {
        MethodStep step = inner.Evaluate(Seen(s, encoder.Of(s.Tensors[0])), iteration, key);
        if (step.Gradient is not { } gradient)
            return step;
        Tensor slope = encoder.Pullback(s.Tensors[0], gradient.Parts[0].Value);
        ImmutableArray<SyntheticPart> parts = gradient.Parts.SetItem(0, new SyntheticPart(s.Parts[0].Name, slope));
        return step with { Gradient = new SyntheticGradient(parts) };
    }

    /// <inheritdoc/>
    public override double Probe(SyntheticSet s, RandomKey key)
    {
        using var scope = TensorScope.Begin();
        return inner.Probe(Seen(s, encoder.Of(s.Tensors[0])), key);
    }

    /// <inheritdoc/>
    public override IReadOnlyList<NamedArray> Save() => inner.Save();

    /// <inheritdoc/>
    public override void Restore(ArraySet state) => inner.Restore(state);

    /// <inheritdoc/>
    public override IReadOnlySet<string> TraitsOf(int iteration, RandomKey key) => inner.TraitsOf(iteration, key);

    /// <inheritdoc/>
    public override int VectorsKept(IReadOnlyList<(int Iteration, RandomKey Key)> updates) => inner.VectorsKept(updates);

    /// <inheritdoc/>
    public override int UpdatesThatFill(IReadOnlyList<(int Iteration, RandomKey Key)> updates) => inner.UpdatesThatFill(updates);

    /// <inheritdoc/>
    public override void ForgetCaches() => inner.ForgetCaches();

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        base.Dispose(disposing);
        if (disposing)
            inner.Dispose();
    }

    private SyntheticSet Seen(SyntheticSet s, Tensor features) => s with { Parts = s.Parts.SetItem(0, new SyntheticPart(part, features)) };
}
