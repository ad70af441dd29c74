using System.Runtime.InteropServices;
using InfMatch.Tensors;

namespace InfMatch.Tests.Tensors;

/// <summary>What captured graphs ask of CUDA's driver, and what an error of it leaves, on a driver that only notes its
/// calls.</summary>
public sealed class DriverGraphTests
{
    private static readonly string[] s_capture =
        ["begin 7", "queue", "end 7", "instantiate 100", "destroy graph 100"];

    [Fact]
    public void A_graph_is_captured_once_launched_often_and_freed_once()
    {
        var driver = new NotingDriver();
        DriverGraph graph = DriverGraph.Capture("cuda:0", driver, 7, () => driver.Calls.Add("queue"));
        graph.Launch(8);
        graph.Launch(9);
        graph.Dispose();
        graph.Dispose();
        Assert.Equal([.. s_capture, "launch 200 on 8", "launch 200 on 9", "destroy 200"], driver.Calls);
        Assert.Equal(0, driver.Living);
        Assert.Throws<ObjectDisposedException>(() => graph.Launch(8));
    }

    [Theory]
    [InlineData("begin", 1)]
    [InlineData("end", 3)]
    [InlineData("instantiate", 5)]
    public void An_error_of_the_driver_is_named_and_leaves_nothing(string failing, int calls)
    {
        var driver = new NotingDriver { Failing = failing };
        DeviceException error = Assert.Throws<DeviceException>(
            () => DriverGraph.Capture("cuda:0", driver, 7, () => driver.Calls.Add("queue")));
        Assert.Contains("cuda:0: the driver reports CUDA_ERROR_901 when ", error.Message, StringComparison.Ordinal);
        Assert.Equal(s_capture[..calls], driver.Calls, StringComparer.Ordinal);
        Assert.Equal(0, driver.Living);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_capture_that_is_given_up_ends_on_the_stream_and_the_first_error_is_told(bool invalidates)
    {
        var driver = new NotingDriver { InvalidatesCaptures = invalidates };
        Assert.Throws<ArithmeticException>(() => DriverGraph.Capture("cuda:0", driver, 7, () => throw new ArithmeticException()));
        Assert.Equal(invalidates ? ["begin 7", "end 7"] : ["begin 7", "end 7", "destroy graph 100"], driver.Calls);
        Assert.Equal(0, driver.Living);
    }

    [Fact]
    public void A_graph_that_cannot_be_launched_can_be_freed()
    {
        var driver = new NotingDriver { Failing = "launch" };
        using (DriverGraph graph = DriverGraph.Capture("cuda:0", driver, 7, () => { }))
            Assert.Contains("launching", Assert.Throws<DeviceException>(() => graph.Launch(7)).Message, StringComparison.Ordinal);
        Assert.Equal(0, driver.Living);
    }

    // The simulator computes while it is captured; what matters is what it asks of the driver.
    [Fact]
    public void A_captured_computation_is_one_graph_of_the_driver_and_a_replay_one_call()
    {
        using var simulator = new GpuBackend(GpuBackend.Simulator);
        Assert.Null(simulator.CaptureRefusal);
        Assert.False(simulator.ReplaysByDriver);
        var driver = new NotingDriver();
        simulator.GraphDriver = driver;
        Assert.True(simulator.ReplaysByDriver);
        using var scope = TensorScope.Begin();
        Tensor x = Tensor.Full(simulator, DType.Float32, new Shape(5), 3);
        long launches = simulator.Launches;
        using (CapturedGraph graph = CapturedGraph.Of(simulator, () => [x.Times(2).Times(5)]))
        {
            Assert.Equal(["begin 0", "end 0", "instantiate 100", "destroy graph 100", "launch 200 on 0"], driver.Calls);
            Assert.Equal([30f, 30, 30, 30, 30], graph.Results[0].ToArray<float>());
            driver.Calls.Clear();
            graph.Replay();
            Assert.Equal(["launch 200 on 0"], driver.Calls);
            Assert.Equal(launches + 4, simulator.Launches); // as many kernels as without a graph, twice

            driver.Calls.Clear();
            Refused("Another capture", () => CapturedGraph.Of(simulator, () => [x]).Results[0]);
            Refused("A replay", () =>
            {
                graph.Replay();
                return x;
            });
            Assert.Empty(driver.Calls); // nothing was recorded that could not be repeated
        }
        Assert.Equal(["destroy 200"], driver.Calls);
        Assert.Equal(0, driver.Living);

        void Refused(string what, Func<Tensor> computation) => Assert.StartsWith(
            what, Assert.Throws<InvalidOperationException>(() => CapturedGraph.Of(simulator, () => [x.Times(2), computation()])).Message,
            StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("begin")]
    [InlineData("end")]
    [InlineData("instantiate")]
    [InlineData("launch")]
    public void A_computation_that_the_driver_cannot_capture_leaves_nothing(string failing)
    {
        using var simulator = new GpuBackend(GpuBackend.Simulator);
        using var scope = TensorScope.Begin();
        Tensor x = Tensor.Full(simulator, DType.Float32, new Shape(5), 3);
        Assert.True(simulator.CanCapture);
        MemoryReport before = simulator.Memory;
        var driver = new NotingDriver { Failing = failing };
        simulator.GraphDriver = driver;
        Assert.Throws<DeviceException>(() => CapturedGraph.Of(simulator, () => [x.Times(2)]));
        Assert.Equal(0, driver.Living);
        Assert.Equal((before.LiveBuffers, before.InUse), (simulator.Memory.LiveBuffers, simulator.Memory.InUse));
        driver.Failing = null;
        using CapturedGraph graph = CapturedGraph.Of(simulator, () => [x.Times(2)]);
        Assert.Equal(6, graph.Results[0].ToArray<float>()[0]);
    }

    [Theory]
    [InlineData(null, "gave other numbers")] // its launches do nothing
    [InlineData("begin", "CUDA_ERROR_901")]
    [InlineData("launch", "CUDA_ERROR_901")]
    public void A_driver_whose_graphs_are_wrong_is_not_used(string? failing, string why)
    {
        using var simulator = new GpuBackend(GpuBackend.Simulator) { GraphDriver = new NotingDriver { Failing = failing } };
        Assert.False(simulator.CanCapture);
        Assert.Contains(why, simulator.CaptureRefusal, StringComparison.Ordinal);
        Assert.Throws<NotSupportedException>(() => CapturedGraph.Of(simulator, () => []));
        Assert.Equal(0, simulator.Memory.LiveBuffers);
    }

    [Fact]
    public void A_graph_that_outlives_its_device_asks_nothing_of_the_driver()
    {
        var driver = new NotingDriver();
        CapturedGraph graph;
        using (TensorScope.Begin())
        using (var simulator = new GpuBackend(GpuBackend.Simulator))
        {
            Assert.True(simulator.CanCapture);
            simulator.GraphDriver = driver;
            Tensor x = Tensor.Full(simulator, DType.Float32, new Shape(5), 3);
            graph = CapturedGraph.Of(simulator, () => [x.Times(2)]);
        }
        driver.Calls.Clear();
        graph.Dispose();
        Assert.Empty(driver.Calls);
    }

    [Fact]
    public unsafe void The_calls_of_the_driver_have_their_names_and_arguments()
    {
        var asked = new List<string>();
        var driver = new CudaGraphDriver(name =>
        {
            asked.Add(name);
            return name switch
            {
                "cuStreamBeginCapture_v2" => (nint)(delegate* unmanaged<nint, int, int>)&BeginCapture,
                "cuStreamEndCapture" => (nint)(delegate* unmanaged<nint, nint*, int>)&EndCapture,
                "cuGraphInstantiateWithFlags" => (nint)(delegate* unmanaged<nint*, nint, ulong, int>)&Instantiate,
                "cuGraphLaunch" => (nint)(delegate* unmanaged<nint, nint, int>)&Launch,
                "cuGraphDestroy" => (nint)(delegate* unmanaged<nint, int>)&DestroyGraph,
                "cuGraphExecDestroy" => (nint)(delegate* unmanaged<nint, int>)&DestroyExecutable,
                "cuGetErrorName" => (nint)(delegate* unmanaged<int, nint*, int>)&NameOf,
                _ => throw new EntryPointNotFoundException(name),
            };
        });
        Assert.Equal(7, asked.Count);
        Assert.Equal(32, driver.BeginCapture(30)); // relaxed: 2
        Assert.Equal((41, (nint)77), (driver.EndCapture(40, out nint graph), graph));
        Assert.Equal((50, (nint)51), (driver.Instantiate(50, out nint executable), executable));
        Assert.Equal(6 * 1000 + 7, driver.Launch(6, 7));
        Assert.Equal((8, 9), (driver.DestroyGraph(8), driver.DestroyExecutable(9)));
        Assert.Equal(("CUDA_ERROR_UNKNOWN", "error 5"), (driver.NameOf(999), driver.NameOf(5)));
        Assert.Throws<EntryPointNotFoundException>(() => new CudaGraphDriver(
            name => NativeLibrary.GetExport(NativeLibrary.GetMainProgramHandle(), name)));
    }

    private static readonly nint s_name = Marshal.StringToHGlobalAnsi("CUDA_ERROR_UNKNOWN");

    [UnmanagedCallersOnly]
    private static int BeginCapture(nint stream, int mode) => (int)stream + mode;

    [UnmanagedCallersOnly]
    private static unsafe int EndCapture(nint stream, nint* graph)
    {
        *graph = 77;
        return (int)stream + 1;
    }

    [UnmanagedCallersOnly]
    private static unsafe int Instantiate(nint* executable, nint graph, ulong flags)
    {
        *executable = graph + 1;
        return (int)graph + (int)flags;
    }

    [UnmanagedCallersOnly]
    private static int Launch(nint executable, nint stream) => (int)executable * 1000 + (int)stream;

    [UnmanagedCallersOnly]
    private static int DestroyGraph(nint graph) => (int)graph;

    [UnmanagedCallersOnly]
    private static int DestroyExecutable(nint executable) => (int)executable;

    [UnmanagedCallersOnly]
    private static unsafe int NameOf(int error, nint* text)
    {
        *text = error == 999 ? s_name : 0;
        return error == 999 ? 0 : 1;
    }
}
