using System.Reflection;
using System.Text.RegularExpressions;
using InfMatch.Benchmarks;

namespace InfMatch.Tests.Tensors;

/// <summary>What a kernel may do in each round of a loop.</summary>
public sealed partial class DeviceCodeTests
{
    // Kernels that divide in a loop, by how their names begin, each with its reason.
    private static readonly Dictionary<string, string> s_dividesInLoops = new(StringComparer.Ordinal)
    {
        ["SolveKernels."] = "each column has a root of its own, and each of its elements is divided by it",
    };

    // ILGPU puts arithmetic where its result is used, even into a loop that does not change it. A division or a root costs as
    // much as twenty other instructions and more.
    [Fact]
    public void No_kernel_divides_or_takes_a_root_in_a_loop()
    {
        var wrong = new List<string>();
        HashSet<string> needed = new(StringComparer.Ordinal);
        foreach ((MethodInfo kernel, string text) in DeviceCode.ToPtx())
        {
            string name = DeviceCode.NameOf(kernel);
            string[] found = [.. InLoops(text).Where(i => Division().IsMatch(i))];
            if (found.Length == 0)
                continue;
            if (s_dividesInLoops.Keys.FirstOrDefault(k => name.StartsWith(k, StringComparison.Ordinal)) is { } allowed)
                needed.Add(allowed);
            else
                wrong.Add($"{name}: {string.Join(" ", found)}");
        }
        Assert.True(
            wrong.Count == 0,
            "Compute it before the loop by DeviceIntrinsics.Here, or divide by a Divisor: " + string.Join(Environment.NewLine, wrong));
        Assert.Equal(s_dividesInLoops.Keys.Order(StringComparer.Ordinal), needed.Order(StringComparer.Ordinal));
    }

    [Fact]
    public void A_division_in_a_loop_is_found_and_one_beside_it_is_not()
    {
        const string Text = """
            .visible .entry Kernel(
            )
            {
            	.reg .f32	%f<4>;
            	sqrt.rn.f32	%f1, %f2;
            	bra.uni	L_1;

            	L_0:
            	@%p2 div.rn.f32	%f1, %f2, %f3;
            	add.f32	%f1, %f2, %f3;

            	L_1:
            	setp.lt.s32	%p1, %r1, %r2;
            	@%p1 bra	L_0;

            	rem.s32	%r1, %r2, %r3;
            	ret;
            }
            """;
        string[] found = [.. InLoops(Text)];
        Assert.Equal("add.f32 bra div.rn.f32 setp.lt.s32", string.Join(' ', found.Order(StringComparer.Ordinal)));
        Assert.Equal("div.rn.f32", Assert.Single(found, Division().IsMatch));
    }

    private static IEnumerable<string> InLoops(string text) =>
        PtxLoops.Instructions(text).Where(i => i.Loops > 0).Select(i => i.Name);

    [GeneratedRegex(@"^(?:div|rem|sqrt|rsqrt|rcp)\.", RegexOptions.None, 10000)]
    private static partial Regex Division();
}
