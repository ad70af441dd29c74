using System.CommandLine;
using InfMatch.Tensors;

namespace InfMatch.Benchmarks;

/// <summary>'scaling': several threads against one.</summary>
internal sealed class ScalingCommand
{
    private readonly SizeOptions _options = new();

    private readonly Option<int> _threads =
        SizeOptions.Whole("--threads", "Threads to compare with one; 0 for one a core [0]", 0);

    /// <summary>The command.</summary>
    public Command Make()
    {
        var command = new Command(
            "scaling", "How much faster several threads are than one in 'convnet's passes; both in turn, so that a machine that is " +
            "shared with others does not matter.");
        foreach (Option option in (Option[])[_threads, .. _options.Sizes, _options.Seconds, _options.Json])
            command.Options.Add(option);
        command.SetAction(Run);
        return command;
    }

    private int Run(ParseResult result)
    {
        try
        {
            int many = result.GetValue(_threads) is var given and > 0 ? given : Environment.ProcessorCount;
            IReadOnlyList<Scaling.Entry> entries = Scaling.Of(_options.Of(result), many, result.GetValue(_options.Seconds));
            Console.Out.Write(
                result.GetValue(_options.Json) ? Scaling.ToJson(entries, many) + "\n" : Scaling.ToTable(entries, many));
            return 0;
        }
        catch (Exception e) when (e is TensorException)
        {
            Console.Error.WriteLine($"scaling: {e.Message}");
            return e is DeviceMemoryException ? 5 : 2;
        }
    }
}
