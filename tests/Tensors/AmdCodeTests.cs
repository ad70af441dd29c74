using System.Reflection;
using InfMatch.Tensors;
using Xunit.Abstractions;

namespace InfMatch.Tests.Tensors;

/// <summary>
/// The kernels of products as machine code of AMD GPUs, which clang writes without one: PTX and OpenCL C know neither
/// registers nor what is fused.
/// </summary>
public sealed class AmdCodeTests(ITestOutputHelper output)
{
    // Half of a work-group processor of RDNA 2 holds two groups of 256 threads with 128 registers each, and three with 85. RDNA 3
    // holds half as many again.
    private const int MostRegisters = 128;

    [SkippableTheory]
    [InlineData("gfx1030")]
    [InlineData("gfx1100")]
    public void Products_from_opencl_fuse_and_keep_to_their_registers_on(string architecture)
    {
        Skip.If(AmdCode.Compiler is null, "No clang is in the path. The root of eng/opencl-root has one.");
        int products = 0;
        foreach ((MethodInfo kernel, string text) in DeviceCode.ToOpenCl())
        {
            bool isWide = kernel.DeclaringType == typeof(WideProductKernels);
            bool isNarrow = kernel.DeclaringType == typeof(ProductKernels) && kernel.Name == nameof(ProductKernels.Multiply);
            if (DeviceCode.IsOfFloat64(kernel) || !(isWide || isNarrow))
                continue;
            AmdCode code = AmdCode.Of(text, architecture);
            string name = DeviceCode.NameOf(kernel);
            output.WriteLine($"{name}: {code}");
            int sums = isWide ? 64 : 16;
            Assert.True(code.MultiplyAdds >= sums && code.MultiplyAdds % sums == 0, $"{name}: {code}");
            Assert.True(code.Multiplications == 0, $"{name} has products that are not fused: {code}");
            Assert.True(code.ScratchBytes == 0, $"{name} spills: {code}");
            Assert.True(code.Registers <= (isWide ? MostRegisters : MostRegisters * 2 / 3), $"{name}: {code}");
            products++;
        }
        Assert.Equal(20, products);
    }

    [Fact]
    public void The_figures_are_read_from_what_clang_writes()
    {
        const string Text = """
            	v_fmac_f32_e32 v1, v2, v3
            	v_dual_fmac_f32 v4, v5, v6 :: v_dual_mul_f32 v7, v8, v9
            	v_fma_f32 v1, v2, v3, v4
            	v_mul_f32_e32 v1, v2, v3
            	v_mul_f32_e32 v1, 0x4f7ffffe, v1
            	v_mul_lo_u32 v1, v2, v3
            ; NumVgprs: 97
            ; ScratchSize: 16
            """;
        Assert.Equal(new AmdCode(97, 16, 3, 2), AmdCode.Read(Text));
    }
}
