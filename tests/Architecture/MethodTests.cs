namespace InfMatch.Tests.Architecture;

/// <summary>Methods that can be read at one look: short, with few parameters. Kernels are let be.</summary>
public sealed class MethodTests
{
    private const int LongestMethod = 60, MostParameters = 6;

    private static IEnumerable<(string Path, SourceMember Member)> Members => Repository.Sources
        .Where(f => !f.Path.StartsWith("tests/", StringComparison.Ordinal) && !f.Path.StartsWith("eng/", StringComparison.Ordinal)
            && !f.Path.StartsWith("Tensors/Kernels/Cpu/", StringComparison.Ordinal)
            && !f.Path.StartsWith("Tensors.Gpu/Kernels/", StringComparison.Ordinal))
        .SelectMany(f => MemberScan.Of(f.Text).Select(m => (f.Path, m)));

    [Fact]
    public void Methods_are_short_and_have_few_parameters()
    {
        string[] found =
        [
            .. Members.Where(m => m.Member.Lines > LongestMethod || m.Member.Parameters > MostParameters)
                .Select(m => $"{m.Path} {m.Member.Name}: {m.Member.Lines} lines, {m.Member.Parameters} parameters"),
        ];
        Assert.True(found.Length == 0, string.Join('\n', found));
    }

    [Theory]
    [InlineData("void F()\n{\n    static int G<T>(T a, int b) where T : new() => H(a, b);\n    G(1, 2);\n}", "G", 2)]
    [InlineData("void F()\n{\n    G();\n\n    List<int>[] G(int a, (int, int) b, int c)\n    {\n    }\n}", "G", 3)]
    public void A_local_function_is_measured(string source, string name, int parameters)
    {
        IReadOnlyList<SourceMember> found = MemberScan.Of($"namespace N;\n\nclass X\n{{\n{source}\n}}\n");
        Assert.Equal(["F", name], found.Select(m => m.Name), StringComparer.Ordinal);
        Assert.Equal(parameters, found[1].Parameters);
    }

    [Fact]
    public void The_scan_sees_every_file()
    {
        (string Path, SourceMember Member)[] all = [.. Members];
        HashSet<string> seen = [.. all.Select(m => m.Path)];
        Assert.All(
            Repository.Sources.Select(f => f.Path).Where(p =>
                p.StartsWith("Nn/", StringComparison.Ordinal) || p.StartsWith("Distill/Runs/", StringComparison.Ordinal)),
            path => Assert.True(seen.Contains(path), path));
        Assert.True(all.Length > 1500, $"only {all.Length} members were found");
        Assert.Contains(all, m => m is { Path: "Nn/Jobs/IJobRunner.cs", Member: { Name: "Run", Parameters: 3 } });
        Assert.Contains(all, m => m is { Path: "Distill/Fidelity/StudyInput.cs", Member: { Name: "StudyInput", Parameters: 6 } });
    }

    [Theory]
    [InlineData("void F(int a, (int, int) b, Func<int, int> c = null) { var s = $\"{G(\"}\", 1)} {{\"; }", "F", 1, 3)]
    [InlineData("[A(1, 2)] static (int A, int B) F<T>(T x)\n    where T : new() =>\n    G(x,\n    y);", "F", 4, 1)]
    [InlineData("F(int a) : base(a, 1, 2)\n{\n    // }\n    char c = '}'; string s = @\"}\"\"}\";\n}", "F", 5, 1)]
    [InlineData("int P\n{\n    get => 1;\n    set { }\n} = 3;", "P", 5, 0)]
    [InlineData("abstract void F(int a, int b);", "F", 1, 2)]
    [InlineData("static bool operator ==(X a, X b) => a.Equals(b);", "operator", 1, 2)]
    [InlineData("record R(int A, string B) : Base(A);", "R", 1, 2)]
    [InlineData("string F() => \"\"\"\n    {\n    \"\"\";", "F", 3, 0)]
    [InlineData("int _field = G(() =>\n{\n    return 1;\n});\nvoid F() { }", "F", 1, 0)]
    public void A_member_is_measured(string source, string name, int lines, int parameters)
    {
        SourceMember found = Assert.Single(MemberScan.Of($"namespace N;\n\nclass X\n{{\n{source}\n}}\n"));
        Assert.Equal((name, lines, parameters), (found.Name, found.Lines, found.Parameters));
    }
}
