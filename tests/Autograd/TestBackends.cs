using System.Reflection;
using InfMatch.Tensors;

namespace InfMatch.Tests.Autograd;

/// <summary>A backend and a number type on which the operations are tested.</summary>
/// <param name="Name">For messages.</param>
/// <param name="DType">The number type.</param>
/// <param name="Create">Makes an instance; a costly one is made once and shared.</param>
/// <param name="IsCostly">Whether opening the device and compiling its kernels takes seconds.</param>
/// <param name="IsWide">Whether the kernel for large products takes small ones too.</param>
/// <param name="LacksFloat64">Whether a device that has float64 is taken for one without.</param>
internal sealed record TestBackend(
    string Name, DType DType, Func<Backend> Create, bool IsCostly = false, bool IsWide = false, bool LacksFloat64 = false)
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
        .. Gpus(),
    ];

    // Every CUDA and OpenCL device that can run the kernels; none on a machine without a driver.
    private static IEnumerable<TestBackend> Gpus() => GpuDevices.List().Where(d => d.Refusal is null)
        .SelectMany(d => (TestBackend[])
        [
            .. Both(d.Specification, () => new GpuBackend(d.Specification), isCostly: true)
                .Where(b => d.HasFloat64 || b.DType == DType.Float32),
            .. WithoutFloat64(d),
            new TestBackend(
                $"{d.Specification}-wide-float32", DType.Float32,
                Once(() => new GpuBackend(d.Specification) { Tiling = ProductTiling.Wide }),
                IsCostly: true, IsWide: true),
            .. OnTensorCores(d),
        ]);

    // As on Intel's Arc A and most of its laptops: what asks for float64 there is an error.
    private static TestBackend[] WithoutFloat64(GpuDevice d) => d.HasFloat64
        ?
        [
            new TestBackend(
                $"{d.Specification}-without-float64-float32", DType.Float32,
                Once(() => new GpuBackend(
                    d.Specification, long.MaxValue, isDryRun: false, Precision.Float32, usesFloat64: false)),
                IsCostly: true, LacksFloat64: true),
        ]
        : [];

    // Three products of TF32 numbers have the error of float32 and pass the same tests; one has not.
    private static TestBackend[] OnTensorCores(GpuDevice d) => d.HasTf32
        ?
        [
            new TestBackend(
                $"{d.Specification}-3xtf32-float32", DType.Float32,
                Once(() => new GpuBackend(d.Specification, precision: Precision.ThreeTf32) { Tiling = ProductTiling.Wide }),
                IsCostly: true, IsWide: true),
        ]
        : [];

    private static Func<Backend> Once(Func<Backend> create)
    {
        var one = new Lazy<Backend>(create);
        return () => one.Value;
    }

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

    private static IEnumerable<TestBackend> Both(string name, Func<Backend> create, bool isCostly = false)
    {
        // One device and one set of compiled kernels serves both number types.
        Func<Backend> make = isCostly ? Once(create) : create;
        return
        [
            new TestBackend($"{name}-float64", DType.Float64, make, isCostly),
            new TestBackend($"{name}-float32", DType.Float32, make, isCostly),
        ];
    }
}

/// <summary>Tests on shared backends run one after another.</summary>
[CollectionDefinition(Name)]
public sealed class SharedBackends
{
    public const string Name = "shared backends";
}
