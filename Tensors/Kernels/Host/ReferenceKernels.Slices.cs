namespace InfMatch.Tensors;

internal sealed partial class ReferenceKernels<T> : IKernel<SliceCall>, IKernel<PutSliceCall>
{
    public void Run(SliceCall call)
    {
        Span<T> xs = Block(call.X).Span, ys = Block(call.Y).Span;
        for (int i = 0; i < ys.Length; i++)
            ys[i] = xs[InWhole(i, call.Geometry)];
    }

    public void Run(PutSliceCall call)
    {
        Span<T> xs = Block(call.X).Span, ys = Block(call.Y).Span;
        for (int i = 0; i < xs.Length; i++)
            ys[InWhole(i, call.Geometry)] = xs[i];
    }

    // Where element i of a slice lies in the tensor.
    private static int InWhole(int i, SliceGeometry g)
    {
        int inner = g.Whole.Count / (g.Whole[g.Axis] * g.Pieces);
        int outer = i / (g.Count * inner), place = i / inner % g.Count;
        return (outer * g.Whole[g.Axis] + g.Start + place) * inner + i % inner;
    }
}
