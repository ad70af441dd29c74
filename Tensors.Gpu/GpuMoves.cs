using ILGPU;

namespace InfMatch.Tensors;

/// <summary>What moves numbers and computes none, on their bits: a device needs no float64 to keep such numbers.</summary>
internal abstract class GpuMoves
{
    public abstract void Fill(Tensor y, double value);

    public abstract void Copy(Tensor x, Tensor y);

    public abstract void Concat(ReadOnlySpan<Tensor> parts, Tensor y);
}

/// <summary>The moves of tensors of T.</summary>
/// <param name="backend">Whose tensors they are.</param>
/// <param name="launcher">Queues the kernels.</param>
/// <param name="bits">A number as a W, a whole number as long.</param>
internal sealed class GpuMoves<T, W>(GpuBackend backend, GpuLauncher launcher, Func<double, W> bits) : GpuMoves
    where T : unmanaged where W : unmanaged
{
    private ArrayView<W> View(Tensor tensor) => backend.View<T>(tensor).Cast<W>();

    public override void Fill(Tensor y, double value)
    {
        if (y.Count > 0)
        {
            launcher.Launch(
                GpuBackend.Groups(y.Count), GpuBackend.Threads, ElementwiseKernels.Fill<W>, View(y), y.Count, bits(value));
        }
        GC.KeepAlive(y);
    }

    public override void Copy(Tensor x, Tensor y)
    {
        (ArrayView<W> from, ArrayView<W> to) = (View(x), View(y));
        if (y.Count > 0)
        {
            launcher.Launch(
                GpuBackend.Groups(y.Count), GpuBackend.Threads, ElementwiseKernels.Copy<W>, from, to, y.Count);
        }
        GC.KeepAlive((x, y));
    }

    // Eight parts a launch: the gradient of a network's flat parameters has sixteen parts and more, most of them tiny.
    public override void Concat(ReadOnlySpan<Tensor> parts, Tensor y)
    {
        ArrayView<W> to = View(y);
        List<(ArrayView<W> View, int Count)> filled = [];
        foreach (Tensor part in parts)
        {
            ArrayView<W> view = View(part);
            if (part.Count > 0)
                filled.Add((view, part.Count));
        }
        int start = 0;
        foreach ((ArrayView<W> View, int Count)[] few in filled.Chunk(8))
        {
            ArrayView<W> At(int i) => i < few.Length ? few[i].View : to;
            int EndOf(int i) => few.Take(i + 1).Sum(part => part.Count);
            int count = EndOf(7);
            var eight = new Parts<W>
            {
                Part0 = At(0), Part1 = At(1), Part2 = At(2), Part3 = At(3), Part4 = At(4), Part5 = At(5), Part6 = At(6),
                Part7 = At(7), End0 = EndOf(0), End1 = EndOf(1), End2 = EndOf(2), End3 = EndOf(3), End4 = EndOf(4),
                End5 = EndOf(5), End6 = EndOf(6),
            };
            launcher.Launch(
                GpuBackend.Groups(count), GpuBackend.Threads, ElementwiseKernels.Concat<W>, eight,
                to.SubView(start, count), count);
            start += count;
        }
        foreach (Tensor part in parts)
            GC.KeepAlive(part);
        GC.KeepAlive(y);
    }
}
