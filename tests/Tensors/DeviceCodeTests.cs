using System.Reflection;
using System.Text.RegularExpressions;
using InfMatch.Tensors;
using Xunit.Abstractions;

namespace InfMatch.Tests.Tensors;

/// <summary>The code of every kernel for NVIDIA GPUs and for OpenCL, compiled and read without a device.</summary>
public sealed partial class DeviceCodeTests(ITestOutputHelper output)
{
    // What no kernel may hold, and why.
    private static readonly (Regex Pattern, string Why)[] s_forbidden =
    [
        (Local(), "memory of a thread that is no register: an array that is indexed by a variable, or a spill"),
        (Approximate(), "a result that is not rounded as on the processor, or a small number taken for 0"),
        (Atomic(), "a sum whose order is not fixed"),
        (Switch(), "a switch, which ILGPU 1.5.3 miscompiles at O2"),
        (Extern(), "a function that no driver has, such as that of MathF.FusedMultiplyAdd"),
        (Generic(), "an access that does not say whether it goes to global or shared memory, which is slower"),
    ];

    // Kernels that may hold such a thing all the same, each with its reason: none so far.
    private static readonly Dictionary<string, string> s_allowed = new(StringComparer.Ordinal);

    [Fact]
    public void Every_declared_kernel_is_asked_for()
    {
        HashSet<MethodInfo> reached = [.. DeviceCode.Kernels.Select(Definition)];
        string[] missed = [.. DeviceCode.Declared.Where(m => !reached.Contains(m)).Select(DeviceCode.NameOf)];
        Assert.True(
            missed.Length == 0,
            $"No sample of an operation reaches {string.Join(", ", missed)}: nothing tests it. Add a sample.");
        string[] undeclared = [.. reached.Except(DeviceCode.Declared).Select(DeviceCode.NameOf)];
        Assert.True(undeclared.Length == 0, $"Not public methods of a static class: {string.Join(", ", undeclared)}.");
    }

    private static readonly (string Of32, string Of64)[] s_ofBothTypes =
    [
        ("<Single", "<Double"), ("<Int32", "<Int64"), (nameof(Float32Numbers), nameof(Float64Numbers)),
        (nameof(Float32Pair), nameof(PlainFloat64)),
    ];

    [Fact]
    public void What_is_asked_for_in_one_number_type_is_asked_for_in_the_other()
    {
        HashSet<string> names = [.. DeviceCode.Kernels.Select(DeviceCode.NameOf)];
        string[] generic =
        [
            .. DeviceCode.Kernels
                .Where(k => k.IsGenericMethod && k.DeclaringType != typeof(WideProductKernels)
                    && k.DeclaringType != typeof(TensorCoreKernels))
                .Select(DeviceCode.NameOf),
        ];
        Assert.True(generic.Length > 80, $"Only {generic.Length} kernels take number types.");
        foreach (string name in generic)
        {
            string other = s_ofBothTypes.Aggregate(name, (n, pair) => n.Contains(pair.Of32, StringComparison.Ordinal)
                ? n.Replace(pair.Of32, pair.Of64, StringComparison.Ordinal)
                : n.Replace(pair.Of64, pair.Of32, StringComparison.Ordinal));
            Assert.True(names.Contains(other), $"{name} is asked for, {other} is not.");
        }
    }

    [Fact]
    public void All_kernels_of_products_serve_the_same_products()
    {
        string[] narrow = Products("ProductKernels.Multiply<Single, "), wide = Products("WideProductKernels.Multiply<");
        Assert.Equal(10, narrow.Length);
        Assert.Equal(narrow, wide);
        string[] tensorCores = Products("TensorCoreKernels.Multiply<");
        foreach (string precision in (string[])[nameof(OneTf32), nameof(SplitTf32)])
        {
            string end = $", {precision}>";
            string[] served = [.. tensorCores.Where(n => n.EndsWith(end, StringComparison.Ordinal))];
            Assert.Equal(narrow, Array.ConvertAll(served, n => n[..^end.Length] + ">"));
        }
    }

    private static string[] Products(string start) =>
    [
        .. DeviceCode.Kernels.Select(DeviceCode.NameOf).Where(n => n.StartsWith(start, StringComparison.Ordinal))
            .Select(n => n[start.Length..]),
    ];

    [Fact]
    public void Every_kernel_is_clean_ptx()
    {
        var wrong = new List<string>();
        foreach ((MethodInfo kernel, string text) in DeviceCode.ToPtx())
        {
            string name = DeviceCode.NameOf(kernel);
            Assert.Contains(".target sm_80", text, StringComparison.Ordinal);
            Assert.Contains(".visible .entry", text, StringComparison.Ordinal);
            if (!s_allowed.ContainsKey(name))
                wrong.AddRange(Forbidden(text).Select(found => $"{name}: {found}"));
            if (!DeviceCode.IsOfFloat64(kernel) && Float64InPtx().Match(text) is { Success: true } match)
                wrong.Add($"{name}: '{match.Value}' needs float64, which not every device has.");
            if (kernel.DeclaringType == typeof(WideProductKernels))
                CheckInnerLoop(name, text);
            if (kernel.DeclaringType == typeof(TensorCoreKernels))
                CheckTensorCores(name, text);
        }
        output.WriteLine($"{DeviceCode.Kernels.Count} kernels");
        Assert.True(wrong.Count == 0, string.Join(Environment.NewLine, wrong));
    }

    [Fact]
    public void Every_kernel_is_opencl_c_without_atomics()
    {
        foreach ((MethodInfo kernel, string text) in DeviceCode.ToOpenCl())
        {
            Assert.Contains("kernel void", text, StringComparison.Ordinal);
            Assert.False(
                OpenClForbidden().IsMatch(text), $"{DeviceCode.NameOf(kernel)}: {OpenClForbidden().Match(text).Value}");
            Assert.Equal(DeviceCode.IsOfFloat64(kernel), Float64InOpenCl().IsMatch(text));
        }
    }

    // For each step of the depth 64 multiply-adds after four loads of 16 bytes, and nothing else from shared memory; the
    // next tile comes from global memory, by 16 bytes where the layout has them.
    private void CheckInnerLoop(string name, string text)
    {
        int products = Count(text, "fma.rn.f32"), shared = Count(text, "ld.shared.v4.f32");
        int fours = Count(text, "ld.global.v4.f32"), singles = Count(text, "ld.global.f32");
        output.WriteLine(
            $"{name}: {products} multiply-adds, {shared} shared loads of 16 bytes, {fours} global ones and {singles} " +
            "of 4 bytes");
        Assert.Equal((64, 0), (products, Count(text, "mul.f32")));
        Assert.Equal((4, 0), (shared, Count(text, "ld.shared.f32")));
        Assert.Equal(2 * Runs().Count(name), fours);
        Assert.Equal(2 * 4 * (2 - AlwaysRuns().Count(name)) + 8, singles);
        Assert.Equal(16, Count(text, "st.global.v4.f32"));
    }

    // For each tile 2 × 8 fragments from 8 + 16 numbers, each rounded once, or as two: three products then, and a sum that
    // the tensor core does not take. None of it may stand outside the one loop over the depth.
    private void CheckTensorCores(string name, string text)
    {
        bool isSplit = name.Contains(nameof(SplitTf32), StringComparison.Ordinal);
        const string Product = "mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32";
        int products = Count(text, Product), rounded = Count(text, "cvt.rna.tf32.f32");
        int shared = Count(text, "ld.shared.f32");
        output.WriteLine($"{name}: {products} mma, {rounded} roundings, {shared} shared loads of 4 bytes");
        Assert.Equal(isSplit ? (48, 48, 24) : (16, 24, 24), (products, rounded, shared));
        Assert.Equal(isSplit ? 24 : 0, Count(text, "sub.rn.f32"));
        Assert.Equal((isSplit ? 64 : 0) + 64, Count(text, "add.rn.f32"));
        Assert.Equal((0, 0), (Count(text, "mul.f32"), Count(text, "ld.shared.v4.f32")));
        // The sums are declared once, before all else that is done, and stored from where they are.
        Assert.Equal(1, Regex.Count(text, @"\.reg \.f32 acc<64>", RegexOptions.None, TimeSpan.FromSeconds(10)));
        Assert.Equal(64, Count(text, "st.global.f32"));
        Assert.True(
            text.IndexOf("acc<64>", StringComparison.Ordinal) < text.IndexOf("bra", StringComparison.Ordinal), name);
    }

    [Theory]
    [InlineData("\t.local .align 4 .b8 __depot[4];", "a spill")]
    [InlineData("\tld.local.f32 %f1, [%rd1];", "a spill")]
    [InlineData("\tex2.approx.f32 %f1, %f2;", "not rounded")]
    [InlineData("\tadd.ftz.f32 %f1, %f2, %f3;", "taken for 0")]
    [InlineData("\tred.shared.add.f32 [%rd1], %f1;", "order")]
    [InlineData("\tatom.global.add.f32 %f2, [%rd1], %f1;", "order")]
    [InlineData("\tbrx.idx %r1, table;", "switch")]
    [InlineData(".extern .func FusedMultiplyAdd", "driver")]
    [InlineData("\tld.f32 %f1, [%rd1];", "slower")]
    [InlineData("\t@%p1 st.v4.f32 [%rd1], {%f1, %f2, %f3, %f4};", "slower")]
    public void Each_forbidden_instruction_is_found(string line, string why) =>
        Assert.Contains(
            why, Assert.Single(Forbidden($"\tadd.f32 %f1, %f2, %f3;\n{line}\n\tret;")), StringComparison.Ordinal);

    [Theory]
    [InlineData("\tld.global.v4.f32 {%f1, %f2, %f3, %f4}, [%rd1];")]
    [InlineData("\tsqrt.rn.f32 %f1, %f2;")]
    [InlineData("\tld.param.b64 %rd1, [p];")]
    [InlineData("\tst.shared.f64 [%rd1], %fd1;")]
    public void An_allowed_instruction_is_not_found(string line) => Assert.Empty(Forbidden(line));

    private static IEnumerable<string> Forbidden(string text) =>
        from rule in s_forbidden
        let match = rule.Pattern.Match(text)
        where match.Success
        select $"'{match.Value.Trim()}' is {rule.Why}.";

    private static MethodInfo Definition(MethodInfo kernel) =>
        kernel.IsGenericMethod ? kernel.GetGenericMethodDefinition() : kernel;

    private static int Count(string text, string instruction) =>
        Regex.Count(text, $@"\s{Regex.Escape(instruction)}\s", RegexOptions.None, TimeSpan.FromSeconds(10));

    [GeneratedRegex(@"\.local\b|__local_depot", RegexOptions.None, 10000)]
    private static partial Regex Local();

    [GeneratedRegex(@"\w+(?:\.\w+)*\.(?:approx|ftz|full)\b", RegexOptions.None, 10000)]
    private static partial Regex Approximate();

    [GeneratedRegex(@"\b(?:atom|red)\.\w+", RegexOptions.None, 10000)]
    private static partial Regex Atomic();

    [GeneratedRegex(@"\bbrx\.", RegexOptions.None, 10000)]
    private static partial Regex Switch();

    [GeneratedRegex(@"\.extern\s+\.func", RegexOptions.None, 10000)]
    private static partial Regex Extern();

    [GeneratedRegex(@"\b(?:ld|st)\.(?:v[24]\.)?[fbus]\d+\b", RegexOptions.None, 10000)]
    private static partial Regex Generic();

    [GeneratedRegex(
        @"\batom\w+|\bsub_group\w+|\bwork_group_reduce\w+|\bswitch\b|\bnative_\w+|\bhalf_\w+", RegexOptions.None, 10000)]
    private static partial Regex OpenClForbidden();

    [GeneratedRegex(@"\.f64\b|%fd\d", RegexOptions.None, 10000)]
    private static partial Regex Float64InPtx();

    [GeneratedRegex(@"\bdouble\b|\bcl_khr_fp64\b", RegexOptions.None, 10000)]
    private static partial Regex Float64InOpenCl();

    [GeneratedRegex("AlongDepth|AcrossRows|AcrossColumns|Outputs(?:OfChannel|InFours)", RegexOptions.None, 1000)]
    private static partial Regex Runs();

    [GeneratedRegex("Whole(?:AlongDepth|AcrossRows)|OutputsInFours", RegexOptions.None, 1000)]
    private static partial Regex AlwaysRuns();
}
