using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;

namespace InfMatch.Tests.Tensors;

/// <summary>What clang makes of a kernel's OpenCL C for a GPU of AMD, without one.</summary>
/// <param name="Registers">Vector registers of a thread.</param>
/// <param name="ScratchBytes">Memory of a thread that is no register.</param>
/// <param name="MultiplyAdds">Fused ones in the text, two for an instruction that does two.</param>
/// <param name="Multiplications">Float32 products that are not fused with an addition.</param>
internal sealed partial record AmdCode(int Registers, int ScratchBytes, int MultiplyAdds, int Multiplications)
{
    // What a driver's library would define, by instructions: clang alone would leave calls.
    private const string Builtins = """
        #define get_local_id(d) ((uint)__builtin_amdgcn_workitem_id_x())
        #define get_group_id(d) ((uint)__builtin_amdgcn_workgroup_id_x())
        #define get_local_size(d) ((uint)__builtin_amdgcn_workgroup_size_x())
        #define fma(a, b, c) __builtin_fmaf(a, b, c)
        #define sqrt(a) __builtin_sqrtf(a)
        #define isnan(a) __builtin_isnan(a)
        #define work_group_barrier(flags) __builtin_amdgcn_fence(__ATOMIC_RELEASE, "workgroup"), \
            __builtin_amdgcn_s_barrier(), __builtin_amdgcn_fence(__ATOMIC_ACQUIRE, "workgroup")

        """;

    /// <summary>The clang of PoCL's root (eng/opencl-root) or another in the path; null where none is.</summary>
    public static string? Compiler { get; } = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator)
        .SelectMany(folder => new[] { "clang-18", "clang" }.Select(name => Path.Combine(folder, name))).FirstOrDefault(File.Exists);

    /// <summary>Compiles a kernel for an architecture, such as gfx1100.</summary>
    public static AmdCode Of(string source, string architecture)
    {
        var start = new ProcessStartInfo(Compiler!)
        {
            UseShellExecute = false, RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true,
            ArgumentList =
            {
                "-x", "cl", "-cl-std=CL2.0", "-target", "amdgcn-amd-amdhsa", $"-mcpu={architecture}", "-nogpulib", "-O3", "-w", "-S",
                "-o", "-", "-",
            },
        };
        using Process clang = Process.Start(start)!;
        Task<string> text = clang.StandardOutput.ReadToEndAsync(), errors = clang.StandardError.ReadToEndAsync();
        clang.StandardInput.Write(Builtins + source);
        clang.StandardInput.Close();
        clang.WaitForExit();
        Assert.True(clang.ExitCode == 0, $"{Compiler} for {architecture}: {errors.Result}");
        return Read(text.Result);
    }

    /// <summary>Reads the text that clang wrote.</summary>
    public static AmdCode Read(string text) => new(
        Figure(Registers_(), text), Figure(Scratch(), text), MultiplyAdd().Count(text), Multiplication().Count(text));

    private static int Figure(Regex of, string text) =>
        int.Parse(of.Match(text).Groups["value"].ValueSpan, NumberStyles.None, CultureInfo.InvariantCulture);

    [GeneratedRegex(@"^; NumVgprs: (?<value>\d+)", RegexOptions.Multiline, 10000)]
    private static partial Regex Registers_();

    [GeneratedRegex(@"^; ScratchSize: (?<value>\d+)", RegexOptions.Multiline, 10000)]
    private static partial Regex Scratch();

    // Of RDNA 3: v_dual_fmac_f32 … :: v_dual_mul_f32 … is two instructions in one.
    [GeneratedRegex(@"\bv_(?:dual_)?fma(?:c|mk|ak)?_f32", RegexOptions.None, 10000)]
    private static partial Regex MultiplyAdd();

    // A product with 2³² less a little belongs to a division of whole numbers.
    [GeneratedRegex(@"\bv_(?:dual_)?mul_f32\S* v\d+, (?!0x4f7ffffe)", RegexOptions.None, 10000)]
    private static partial Regex Multiplication();
}
