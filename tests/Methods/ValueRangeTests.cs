using InfMatch.Methods;
using InfMatch.Tensors;
using InfMatch.Tests.Tensors;

namespace InfMatch.Tests.Methods;

public sealed class ValueRangeTests
{
    // What pixels of two channels can be where means and deviations are those of photographs: no round numbers.
    private static readonly ValueRange s_range = new([(0 - 0.4914f) / 0.2023f, 0], [(1 - 0.4914f) / 0.2023f, 0.3]);

    public static TheoryData<string> Backends() => ["reference", "cpu", "simulator"];

    [Theory, MemberData(nameof(Backends))]
    public void Numbers_in_the_range_keep_their_bits_and_others_become_the_bound_of_their_channel(string name)
    {
        using var gpu = name == "simulator" ? new GpuBackend(GpuBackend.Simulator) : null;
        Backend backend = gpu ?? (name == "cpu" ? new CpuBackend(2) : (Backend)new ReferenceBackend());
        using var scope = TensorScope.Begin();
        var x = new float[2 * 2 * 6 * 6];
        RandomKey.FromSeed(3).Normal(x);
        for (int i = 0; i < x.Length; i++)
            x[i] *= 2;
        (x[0], x[1], x[2], x[3], x[4]) = (float.NaN, 1e-40f, -0f, 1e30f, -1e30f);
        (x[36], x[37], x[38], x[39]) = (-0f, float.Epsilon, 0.3f, float.NaN); // channel 1
        float[] low = [.. s_range.Low.Select(v => (float)v)], high = [.. s_range.High.Select(v => (float)v)];
        Tensor given = Tensor.From<float>(backend, x, new Shape(2, 2, 6, 6));
        float[] found = s_range.Clamp(given).ToArray<float>();
        int inside = 0, outside = 0;
        for (int i = 0; i < x.Length; i++)
        {
            int c = i / 36 % 2;
            float expected = x[i] < low[c] ? low[c] : x[i] > high[c] ? high[c] : x[i];
            Assert.Equal(BitConverter.SingleToUInt32Bits(expected), BitConverter.SingleToUInt32Bits(found[i]));
            inside += expected == x[i] ? 1 : 0;
            outside += expected != x[i] && !float.IsNaN(expected) ? 1 : 0;
        }
        Assert.True(inside > 20 && outside > 20);
        Assert.Equal(x, given.ToArray<float>());
    }

    [Fact]
    public void Float64_is_clamped_as_well_and_nothing_is_left_behind()
    {
        var backend = new CpuBackend(1);
        using Tensor x = Tensor.From<double>(backend, [-7, 0.1, 7, 7], new Shape(1, 2, 1, 2));
        int live = backend.Memory.LiveBuffers;
        using (Tensor y = s_range.Clamp(x))
            Assert.Equal([s_range.Low[0], 0.1, 0.3, 0.3], y.ToArray<double>());
        Assert.Equal(live, backend.Memory.LiveBuffers);
    }
}
