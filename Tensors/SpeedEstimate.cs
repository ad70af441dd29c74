using System.Globalization;

namespace InfMatch.Tensors;

/// <summary>
/// How fast a device may train a ConvNet, reckoned from what it is and not measured: the same on every start, so that
/// <c>--device auto</c> takes the same device on the same machine. It is float32 arithmetic at its peak times the share that
/// our convolutions reach, in the arithmetic of direct sums. Shares: docs/performance.md, "Which device auto takes".
/// </summary>
/// <param name="Gflops">GFLOP/s of convolutions, counted as direct sums.</param>
/// <param name="How">Where the number comes from, such as "8 cores of 3.0 GHz, 8 lanes".</param>
public readonly record struct SpeedEstimate(double Gflops, string How)
{
    // What a processor reaches above its peak: Winograd's form needs a quarter of the products.
    private const double ShareOfProcessor = 2;

    private const double ShareOfCuda = 0.5, ShareOfOpenCl = 0.25;

    // What no system tells in the same way: the clock of a processor with all cores at vector arithmetic.
    private const double ProcessorGigahertz = 3;

    /// <summary>Of a processor: two units of the widest vectors in each core, which multiply and add at once where it has the
    /// instruction.</summary>
    /// <param name="cores">Cores, not the threads that share one.</param>
    /// <param name="vectorBits">As <see cref="CpuBackend.VectorBits"/>.</param>
    /// <param name="isFused">As <see cref="CpuBackend.HasFusedMultiplyAdd"/>.</param>
    public static SpeedEstimate OfProcessor(int cores, int vectorBits, bool isFused)
    {
        int lanes = vectorBits < 128 ? 1 : vectorBits / 32;
        return new SpeedEstimate(
            ShareOfProcessor * cores * ProcessorGigahertz * lanes * (isFused ? 4 : 2),
            string.Create(
                CultureInfo.InvariantCulture,
                $"{cores} {(cores == 1 ? "core" : "cores")}, {ProcessorGigahertz:F1} GHz taken for each, {lanes} " +
                $"{(lanes == 1 ? "lane" : "lanes")}{(isFused ? "" : " without fused multiply-add")}"));
    }

    /// <summary>Of this machine's processor, all of it: the number of threads shall not choose the device.</summary>
    public static SpeedEstimate OfThisProcessor() =>
        OfProcessor(ProcessorCores.Count, CpuBackend.BestVectorBits, CpuBackend.HasFusedMultiplyAdd);

    /// <summary>Of a GPU; null where its peak is not known, and of what is no GPU.</summary>
    public static SpeedEstimate? Of(GpuDevice device)
    {
        if (!device.IsGpu || device.Float32Gflops is not { } peak)
            return null;
        bool isCuda = device.Specification.StartsWith("cuda", StringComparison.Ordinal);
        return new SpeedEstimate(
            peak * (isCuda ? ShareOfCuda : ShareOfOpenCl),
            $"{device.Multiprocessors} multiprocessors, {(isCuda ? "half" : "a quarter")} of its peak of {Speed(peak)}");
    }

    /// <summary>Such as "about 1.5 TFLOP/s in convolutions (8 cores …)".</summary>
    public override string ToString() => $"about {Speed(Gflops)} in convolutions ({How})";

    private static string Speed(double gflops) => gflops < 1000
        ? string.Create(CultureInfo.InvariantCulture, $"{gflops:F0} GFLOP/s")
        : string.Create(CultureInfo.InvariantCulture, $"{gflops / 1000:F1} TFLOP/s");
}
