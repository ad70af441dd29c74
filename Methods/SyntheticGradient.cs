using System.Collections.Immutable;
using InfMatch.Tensors;

namespace InfMatch.Methods;

/// <summary>The gradient with respect to S: a tensor for each part, in the order and of the shapes of S's parts.</summary>
public sealed record SyntheticGradient(ImmutableArray<SyntheticPart> Parts)
{
    /// <summary>The gradients of S's parts, in their order.</summary>
    public static SyntheticGradient Of(SyntheticSet s, IReadOnlyList<Tensor> gradients) =>
        new([.. s.Parts.Select((part, i) => part with { Value = gradients[i] })]);

    /// <summary>Zeros of S's shapes, to add gradients to.</summary>
    public static SyntheticGradient ZerosLike(SyntheticSet s) => Of(s, [.. s.Tensors.Select(part => part.ZerosLike())]);

    /// <summary>The gradient of the images [N, C, H, W].</summary>
    public Tensor Images => Parts.Single(part => part.Name == SyntheticSet.ImagesPart).Value;

    /// <summary>The gradient of the label logits [N, M].</summary>
    public Tensor LabelLogits => Parts.Single(part => part.Name == SyntheticSet.LabelsPart).Value;

    /// <summary>this + c·other.</summary>
    public SyntheticGradient Plus(double c, SyntheticGradient other) =>
        Zip(other, (own, its) => TensorAlgebra.Axpy(c, its, own));

    /// <summary>c·this.</summary>
    public SyntheticGradient Times(double c) => new([.. Parts.Select(part => part with { Value = part.Value.Times(c) })]);

    /// <summary>Hands every tensor to the scope that encloses the given one.</summary>
    public SyntheticGradient KeepIn(TensorScope scope)
    {
        foreach (SyntheticPart part in Parts)
            scope.Keep(part.Value);
        return this;
    }

    /// <summary>The successor of this running gradient, as <see cref="TensorScope.Replace"/>.</summary>
    public SyntheticGradient ReplacedBy(SyntheticGradient next, TensorScope step) =>
        Zip(next, (old, its) => step.Replace(old, its));

    private SyntheticGradient Zip(SyntheticGradient other, Func<Tensor, Tensor, Tensor> f) =>
        new([.. Parts.Select((part, i) => part with { Value = f(part.Value, other.Parts[i].Value) })]);
}
