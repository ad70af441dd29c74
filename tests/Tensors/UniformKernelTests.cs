using InfMatch.Tensors;

namespace InfMatch.Tests.Tensors;

/// <summary>Random numbers that a backend draws itself are those of the key.</summary>
public sealed class UniformKernelTests
{
    private static readonly RandomKey s_key = RandomKey.FromSeed(0x1234_5678_9ABC_DEF0).Split("uniform");

    // More than the host takes at once, odd, one, none.
    private static readonly int[] s_counts = [777, 256, 3, 1, 0];

    [Fact]
    public void The_definition_and_the_cpu_give_the_numbers_of_the_key()
    {
        foreach (Backend backend in (Backend[])[new ReferenceBackend(), new CpuBackend(1), new CpuBackend(2)])
            Check(backend, s_counts);
    }

    [Fact]
    public void The_simulator_gives_the_numbers_of_the_key()
    {
        using var simulator = new GpuBackend(GpuBackend.Simulator);
        Check(simulator, [5, 1]);
    }

    [SkippableTheory]
    [InlineData("cuda:0")]
    [InlineData("opencl:0")]
    public void A_device_gives_the_numbers_of_the_key(string device)
    {
        using GpuBackend backend = TestDevice.OpenOrSkip(device);
        Check(backend, s_counts);
    }

    private static void Check(Backend backend, int[] counts)
    {
        using TensorScope scope = TensorScope.Begin();
        foreach (int count in counts)
        {
            var u = new double[count];
            s_key.Uniform(u);
            Tensor unit = backend.Empty(new Shape(count), DType.Float64);
            backend.Uniform(s_key, 0, 1, unit);
            Assert.Equal(u, unit.ToArray<double>());
            foreach (DType dtype in Enum.GetValues<DType>())
            {
                Tensor y = backend.Empty(new Shape(count), dtype);
                backend.Uniform(s_key, -0.5, 1.5, y);
                double rounding = dtype == DType.Float64 ? 2.3e-16 : 6e-8;
                Assert.All(
                    u.Zip(y.ToArray<double>()),
                    pair => Assert.Equal(-0.5 + 2 * pair.First, pair.Second, 1.5 * rounding));
            }
        }
    }
}
