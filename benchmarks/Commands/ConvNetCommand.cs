using System.CommandLine;
using System.Text.Json.Nodes;
using InfMatch.Tensors;

namespace InfMatch.Benchmarks;

/// <summary>'convnet': times of the work that training and distilling are made of.</summary>
internal sealed class ConvNetCommand
{
    private const string Help =
        """
        Times the work that training and distilling a ConvNet are made of, medians over repeats after a warm-up:
          forward    logits of a batch
          train      forward and the gradient in all parameters; on the cpu replayed, as in training
          mixed      d/dS <v, gradient of L(theta; S)> for images and label logits, by double backward
          mixed_fd   the same by central differences of two backward passes
          iteration  one update of S: J on a window of two checkpoints, its gradient, the step
          update     one update of S as the preset trajectory takes it: --update steps on S, their gradient, the step
          sgemm      a square matrix product in float32
          conv2      the second block's convolution and its adjoints (dx, dw) in a batch; on CUDA in percent of the peak

        Examples:
          dotnet run --project benchmarks -- convnet --threads 2 --json
          dotnet run --project benchmarks -- convnet --device cuda:0 --against torch.json
          dotnet run --project benchmarks -- convnet --device cuda:0 --precision 3xtf32
        """;

    private readonly SizeOptions _options = new();

    private readonly Option<string> _device = new("--device")
    {
        Description = "auto, cpu, cuda:0, opencl:0 … [auto]", DefaultValueFactory = _ => "auto",
    };

    private readonly Option<string> _precision = new("--precision")
    {
        Description = "float32, tf32 or 3xtf32; differences never in tf32 [float32]", DefaultValueFactory = _ => "float32",
    };

    private readonly Option<int> _threads = SizeOptions.Whole("--threads", "Threads of the cpu; 0 for one a core [0]", 0);
    private readonly Option<int> _update =
        SizeOptions.Whole("--update", "Steps on S of 'update', in the preset 20; 0 for no such entry [0]", 0);

    private readonly Option<int> _repeat = SizeOptions.Whole("--repeat", "Repeats, of which the median counts [7]", 7);
    private readonly Option<string?> _save = new("--save") { Description = "Write the JSON object to this file as well." };

    private readonly Option<string[]> _against = new("--against")
    {
        Description = "Compare with files that hold such a JSON object of other programs.", AllowMultipleArgumentsPerToken = true,
    };

    /// <summary>The command.</summary>
    public Command Make()
    {
        var command = new Command("convnet", Help);
        Option[] all =
        [
            _device, _precision, _threads, .. _options.Sizes, _options.Sgemm, _update, _repeat, _options.Seconds, _options.Json, _save,
            _against,
        ];
        foreach (Option option in all)
            command.Options.Add(option);
        command.SetAction(Run);
        return command;
    }

    private int Run(ParseResult result)
    {
        try
        {
            ConvNetSizes sizes = _options.Of(result) with { Update = result.GetValue(_update) };
            (string, JsonObject)[] others =
            [
                .. (result.GetValue(_against) ?? []).Select(file =>
                    (Path.GetFileNameWithoutExtension(file), JsonNode.Parse(File.ReadAllText(file))!.AsObject())),
            ];
            OpenedDevice opened = Devices.Open(
                result.GetValue(_device)!, result.GetValue(_threads), precision: Precisions.Named(result.GetValue(_precision)!));
            using var backend = opened.Backend as IDisposable;
            var clock = new Clock(result.GetValue(_repeat), result.GetValue(_options.Seconds));
            using var benchmark = new ConvNetBenchmark(opened.Backend, sizes, clock);
            Timings timings = benchmark.Run();
            if (result.GetValue(_save) is { } saved)
                File.WriteAllText(saved, timings.ToJson() + "\n");
            Console.Out.Write(result.GetValue(_options.Json) ? timings.ToJson() + "\n" : timings.ToTable(others));
            return 0;
        }
        catch (Exception e) when (e is TensorException or IOException or System.Text.Json.JsonException)
        {
            Console.Error.WriteLine($"convnet: {e.Message}");
            return e switch { DeviceException => 4, DeviceMemoryException => 5, IOException => 7, _ => 2 };
        }
    }
}
