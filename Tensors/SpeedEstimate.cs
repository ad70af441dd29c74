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

    // What no system tells in the same way: the clock of a processor with all cores at vector arithmetic.
    private const double ProcessorGigahertz = 3;

    /// <summary>Of a processor: two units of the widest vectors in each core, which multiply and add at once where it has the
    /// instruction.</summary>
    /// <param name="cores">Cores, not the threads that share one.</param>
    /// <param name="vectorBits">The width of its vectors; 64 for single numbers.</param>
    /// <param name="isFused">Whether it has fused multiply-add.</param>
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

    /// <summary>Such as "about 1.5 TFLOP/s in convolutions (8 cores …)".</summary>
    public override string ToString() => $"about {Text(Gflops)} in convolutions ({How})";

    internal static string Text(double gflops) => gflops < 1000
        ? string.Create(CultureInfo.InvariantCulture, $"{gflops:F0} GFLOP/s")
        : string.Create(CultureInfo.InvariantCulture, $"{gflops / 1000:F1} TFLOP/s");
}
