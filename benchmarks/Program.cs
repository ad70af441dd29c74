using System.CommandLine;
using System.Text.Json.Nodes;
using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Diagnosers;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Running;
using BenchmarkDotNet.Toolchains.InProcess.Emit;
using InfMatch.Benchmarks;
using InfMatch.Nn;
using InfMatch.Tensors;
using Job = BenchmarkDotNet.Jobs.Job;

Kinds.Add(typeof(GpuBackend).Assembly);
const string Help =
    """
    Times the work that training and distilling a ConvNet are made of, medians over repeats after a warm-up:
      forward    logits of a batch
      train      forward and the gradient in all parameters; on the cpu replayed, as in training
      mixed      d/dS <v, gradient of L(theta; S)> for images and label logits, by double backward
      mixed_fd   the same by central differences of two backward passes
      iteration  one update of S: J on a window of two checkpoints, its gradient, the step
      sgemm      a square matrix product in float32
      conv2      the second block's convolution and its adjoints (dx, dw) in a batch; on CUDA in percent of the peak

    Examples:
      dotnet run --project benchmarks -- convnet --threads 2 --json
      dotnet run --project benchmarks -- convnet --device cuda:0 --against torch.json
      dotnet run --project benchmarks -- convnet --device cuda:0 --precision 3xtf32
    """;

var device = new Option<string>("--device") { Description = "auto, cpu, cuda:0, opencl:0 … [auto]", DefaultValueFactory = _ => "auto" };
var precision = new Option<string>("--precision")
{
    Description = "float32, tf32 or 3xtf32; differences never in tf32 [float32]", DefaultValueFactory = _ => "float32",
};
Option<int> threads = Whole("--threads", "Threads of the cpu; 0 for one a core [0]", 0);
var model = new Option<string>("--model")
{
    Description = $"{string.Join(", ", Architectures.Names)} [{Architectures.Default}]", DefaultValueFactory = _ => Architectures.Default,
};
model.AcceptOnlyFromAmong([.. Architectures.Names]);
Option<int> width = Whole("--width", "Channels of the ConvNet [128]", 128);
Option<int> depth = Whole("--depth", "Its blocks [3]", 3);
Option<int> size = Whole("--size", "Height and width of an image [32]", 32);
Option<int> channels = Whole("--channels", "Channels of an image [3]", 3);
Option<int> classes = Whole("--classes", "Classes [10]", 10);
Option<int> batch = Whole("--batch", "Images of forward and train [256]", 256);
Option<int> syn = Whole("--syn", "Images of S, for mixed, mixed_fd and iteration [100]", 100);
Option<int> sgemm = Whole("--sgemm", "Side of the matrices [1024]", 1024);
Option<int> repeat = Whole("--repeat", "Repeats, of which the median counts [7]", 7);
var seconds = new Option<double>("--seconds") { Description = "Time for the repeats of one entry [1]", DefaultValueFactory = _ => 1 };
var json = new Option<bool>("--json") { Description = "Print one JSON object instead of a table." };
var save = new Option<string?>("--save") { Description = "Write the JSON object to this file as well." };
var against = new Option<string[]>("--against")
{
    Description = "Compare with files that hold such a JSON object of other programs.", AllowMultipleArgumentsPerToken = true,
};

var convnet = new Command("convnet", Help);
foreach (Option option in (Option[])
    [device, precision, threads, model, width, depth, size, channels, classes, batch, syn, sgemm, repeat, seconds, json, save, against])
    convnet.Options.Add(option);
convnet.SetAction(result =>
{
    try
    {
        ConvNetSizes sizes = SizesOf(result);
        (string, JsonObject)[] others =
        [
            .. (result.GetValue(against) ?? []).Select(file =>
                (Path.GetFileNameWithoutExtension(file), JsonNode.Parse(File.ReadAllText(file))!.AsObject())),
        ];
        OpenedDevice opened = Devices.Open(
            result.GetValue(device)!, result.GetValue(threads),
            precision: Precisions.Named(result.GetValue(precision)!));
        using var backend = opened.Backend as IDisposable;
        var clock = new Clock(result.GetValue(repeat), result.GetValue(seconds));
        using var benchmark = new ConvNetBenchmark(opened.Backend, sizes, clock);
        Timings timings = benchmark.Run();
        if (result.GetValue(save) is { } saved)
            File.WriteAllText(saved, timings.ToJson() + "\n");
        Console.Out.Write(result.GetValue(json) ? timings.ToJson() + "\n" : timings.ToTable(others));
        return 0;
    }
    catch (Exception e) when (e is TensorException or IOException or System.Text.Json.JsonException)
    {
        Console.Error.WriteLine($"convnet: {e.Message}");
        return e switch { DeviceException => 4, DeviceMemoryException => 5, IOException => 7, _ => 2 };
    }
});

var runs = new Option<string[]>("--ours")
{
    Description = "Files of 'convnet --save', one a round.", AllowMultipleArgumentsPerToken = true, Required = true,
};
var rivals = new Option<string[]>("--theirs")
{
    Description = "Files with such JSON objects of another program, one a round.", AllowMultipleArgumentsPerToken = true, Required = true,
};
var ratios = new Command(
    "ratios", "How many times faster 'convnet' was than another program that ran in turn with it; see eng/compare-cpu.");
foreach (Option option in (Option[])[runs, rivals, json])
    ratios.Options.Add(option);
ratios.SetAction(result =>
{
    JsonObject[] Read(Option<string[]> files) =>
        [.. result.GetValue(files)!.Select(file => JsonNode.Parse(File.ReadAllText(file))!.AsObject())];
    try
    {
        JsonObject[] ours = Read(runs);
        IReadOnlyList<Ratios.Entry> entries = Ratios.Of(ours, Read(rivals));
        Console.Out.Write(result.GetValue(json) ? Ratios.ToJson(entries) + "\n" : Ratios.ToTable(entries, ours.Length));
        return 0;
    }
    catch (Exception e) when (e is ArgumentException or IOException or InvalidOperationException or System.Text.Json.JsonException)
    {
        Console.Error.WriteLine($"ratios: {e.Message}");
        return e is IOException ? 7 : 2;
    }
});

Option<int> manyThreads = Whole("--threads", "Threads to compare with one; 0 for one a core [0]", 0);
var scaling = new Command(
    "scaling", "How much faster several threads are than one in 'convnet's passes; both in turn, so that a machine that is " +
    "shared with others does not matter.");
foreach (Option option in (Option[])[manyThreads, model, width, depth, size, channels, classes, batch, syn, seconds, json])
    scaling.Options.Add(option);
scaling.SetAction(result =>
{
    try
    {
        int many = result.GetValue(manyThreads) is var given and > 0 ? given : Environment.ProcessorCount;
        IReadOnlyList<Scaling.Entry> entries = Scaling.Of(SizesOf(result), many, result.GetValue(seconds));
        Console.Out.Write(
            result.GetValue(json) ? Scaling.ToJson(entries, many) + "\n" : Scaling.ToTable(entries, many));
        return 0;
    }
    catch (Exception e) when (e is TensorException)
    {
        Console.Error.WriteLine($"scaling: {e.Message}");
        return e is DeviceMemoryException ? 5 : 2;
    }
});

var filter = new Option<string>("--filter") { Description = "Which, such as *Convolution* [*]", DefaultValueFactory = _ => "*" };
var quick = new Option<bool>("--quick") { Description = "Three short measurements of each: rough, for a look." };
var kernels = new Command("kernels", "Times single kernels of the cpu by BenchmarkDotNet, with their allocation.") { filter, quick };
kernels.SetAction(result =>
{
    // In this process: the kernels' code is compiled as it is in the program, and no project is built for it.
    Job job = (result.GetValue(quick) ? Job.ShortRun : Job.Default).WithToolchain(InProcessEmitToolchain.Instance);
    BenchmarkSwitcher.FromAssembly(typeof(LayerBenchmarks).Assembly).Run(
        ["--filter", result.GetValue(filter)!],
        ManualConfig.Create(DefaultConfig.Instance).AddJob(job).AddDiagnoser(MemoryDiagnoser.Default)
            .WithArtifactsPath(Path.Combine(Path.GetTempPath(), "infmatch-benchmarks")));
    return 0;
});
return new RootCommand("Benchmarks of InfMatch.Native.") { convnet, kernels, ratios, scaling }.Parse(args).Invoke();

ConvNetSizes SizesOf(ParseResult result) => new(
    result.GetValue(width), result.GetValue(depth), result.GetValue(size), result.GetValue(channels),
    result.GetValue(classes))
{
    Batch = result.GetValue(batch), Syn = result.GetValue(syn), Sgemm = result.GetValue(sgemm),
    Model = result.GetValue(model)!,
};

static Option<int> Whole(string name, string help, int value)
{
    var option = new Option<int>(name) { Description = help, DefaultValueFactory = _ => value };
    int least = value == 0 ? 0 : 1;
    option.Validators.Add(result =>
    {
        if (result.GetValue(option) < least)
            result.AddError($"{name} is {result.GetValue(option)}; expected a whole number from {least}.");
    });
    return option;
}
