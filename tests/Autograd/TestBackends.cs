using System.Reflection;
using InfMatch.Tensors;

namespace InfMatch.Tests.Autograd;

/// <summary>A backend and a number type on which the operations are tested.</summary>
internal sealed record TestBackend(string Name, DType DType, Func<Backend> Create)
{
    private readonly Lazy<Backend> _shared = new(Create);

    /// <summary>The instance that the tests share.</summary>
    public Backend Shared => _shared.Value;
}

/// <summary>The one list of backends: whatever stands here goes through every test of every operation.</summary>
internal static class TestBackends
{
    public static IReadOnlyList<TestBackend> All { get; } =
    [
        .. Both("reference", () => new ReferenceBackend()),
        .. HostBackends(),
    ];

    public static TestBackend Named(string name) => All.Single(b => b.Name == name);

    public static IEnumerable<TestBackend> InDouble => All.Where(b => b.DType == DType.Float64);

    // The fast backend with one thread and with three: three divide no size evenly.
    private static IEnumerable<TestBackend> HostBackends() =>
        typeof(Tensor).Assembly.GetType("InfMatch.Tensors.CpuBackend") is { } type
            ? new[] { 1, 3 }.SelectMany(threads => Both($"cpu-{threads}", () => Make(type, threads)))
            : [];

    private static Backend Make(Type type, int threads)
    {
        ConstructorInfo constructor = type.GetConstructors()
            .First(c => c.GetParameters() is [{ Name: "threads" }, ..]);
        object?[] rest = [.. constructor.GetParameters().Skip(1).Select(p => p.DefaultValue)];
        return (Backend)constructor.Invoke([threads, .. rest]);
    }

    private static IEnumerable<TestBackend> Both(string name, Func<Backend> create) =>
    [
        new TestBackend($"{name}-float64", DType.Float64, create),
        new TestBackend($"{name}-float32", DType.Float32, create),
    ];
}

/// <summary>Tests on shared backends run one after another.</summary>
[CollectionDefinition(Name)]
public sealed class SharedBackends
{
    public const string Name = "shared backends";
}
