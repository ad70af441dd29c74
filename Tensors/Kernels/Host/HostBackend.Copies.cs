using System.Numerics.Tensors;

namespace InfMatch.Tensors;

/// <summary>What fills and copies: no arithmetic, so that all backends in host memory share it.</summary>
public abstract partial class HostBackend
{
    /// <summary>Does what is no kernel of its own and is repeated with them: see <see cref="CapturedGraph"/>.</summary>
    protected virtual void RunOnce(Action work) => work();

    /// <inheritdoc/>
    public sealed override void Upload<T>(ReadOnlySpan<T> source, Tensor y)
    {
        CapturedGraph.Refuse("A copy from the host");
        source.CopyTo(Block<T>(y).Span);
    }

    /// <inheritdoc/>
    public sealed override void Download<T>(Tensor x, Span<T> destination)
    {
        CapturedGraph.Refuse("A copy to the host");
        Block<T>(x).Span.CopyTo(destination);
    }

    /// <inheritdoc/>
    public sealed override void Uniform(RandomKey key, double low, double high, Tensor y)
    {
        CapturedGraph.Refuse("A draw of random numbers");
        if (y.DType == DType.Float32)
            HostRandom.Uniform(key, low, high, Block<float>(y).Span);
        else
            HostRandom.Uniform(key, low, high, Block<double>(y).Span);
    }

    /// <inheritdoc/>
    public sealed override void Fill(Tensor y, double value)
    {
        if (y.DType == DType.Float32)
            Fill(Block<float>(y), (float)value);
        else
            Fill(Block<double>(y), value);
    }

    /// <inheritdoc/>
    public sealed override void Copy(Tensor x, Tensor y)
    {
        if (y.DType == DType.Float32)
            Copy(Block<float>(x), Block<float>(y));
        else
            Copy(Block<double>(x), Block<double>(y));
    }

    /// <inheritdoc/>
    public sealed override void Convert(Tensor x, Tensor y)
    {
        if (x.DType == y.DType)
            Copy(x, y);
        else if (x.DType == DType.Float32)
            Widen(Block<float>(x), Block<double>(y));
        else
            Narrow(Block<double>(x), Block<float>(y));
    }

    private void Fill<T>(HostBlock<T> y, T value) where T : unmanaged => RunOnce(() => y.Span.Fill(value));

    private void Copy<T>(HostBlock<T> x, HostBlock<T> y) where T : unmanaged
    {
        if (CapturedGraph.Current is null)
            x.Span.CopyTo(y.Span);
        else
            CaptureCopy(x, y);
    }

    // A method of its own, so that a copy that nobody captures makes no objects.
    private void CaptureCopy<T>(HostBlock<T> x, HostBlock<T> y) where T : unmanaged => RunOnce(() => x.Span.CopyTo(y.Span));

    private void Widen(HostBlock<float> x, HostBlock<double> y) =>
        RunOnce(() => TensorPrimitives.ConvertTruncating<float, double>(x.Span, y.Span));

    private void Narrow(HostBlock<double> x, HostBlock<float> y) =>
        RunOnce(() => TensorPrimitives.ConvertTruncating<double, float>(x.Span, y.Span));
}
