using System.CommandLine;
using InfMatch.Nn;

namespace InfMatch.Benchmarks;

/// <summary>The options that say what is timed, and those of every command.</summary>
internal sealed class SizeOptions
{
    private readonly Option<string> _model = new("--model")
    {
        Description = $"{string.Join(", ", Architectures.Names)} [{Architectures.Default}]",
        DefaultValueFactory = _ => Architectures.Default,
    };

    private readonly Option<int> _width = Whole("--width", "Channels of the ConvNet [128]", 128);
    private readonly Option<int> _depth = Whole("--depth", "Its blocks [3]", 3);
    private readonly Option<int> _size = Whole("--size", "Height and width of an image [32]", 32);
    private readonly Option<int> _channels = Whole("--channels", "Channels of an image [3]", 3);
    private readonly Option<int> _classes = Whole("--classes", "Classes [10]", 10);
    private readonly Option<int> _batch = Whole("--batch", "Images of forward and train [256]", 256);
    private readonly Option<int> _syn = Whole("--syn", "Images of S, for mixed, mixed_fd and iteration [100]", 100);

    /// <summary>A fresh set of options.</summary>
    public SizeOptions() => _model.AcceptOnlyFromAmong([.. Architectures.Names]);

    /// <summary>Side of the matrices; only the command that multiplies some shows it.</summary>
    public Option<int> Sgemm { get; } = Whole("--sgemm", "Side of the matrices [1024]", 1024);

    /// <summary>Seconds for the repeats of one entry.</summary>
    public Option<double> Seconds { get; } = new("--seconds")
    {
        Description = "Time for the repeats of one entry [1]", DefaultValueFactory = _ => 1,
    };

    /// <summary>Whether JSON is printed.</summary>
    public Option<bool> Json { get; } = MakeJson();

    /// <summary>The options of sizes, in the order of the help.</summary>
    public IReadOnlyList<Option> Sizes => [_model, _width, _depth, _size, _channels, _classes, _batch, _syn];

    /// <summary>The sizes of a command line.</summary>
    public ConvNetSizes Of(ParseResult result) => new(
        result.GetValue(_width), result.GetValue(_depth), result.GetValue(_size), result.GetValue(_channels),
        result.GetValue(_classes))
    {
        Batch = result.GetValue(_batch), Syn = result.GetValue(_syn), Sgemm = SgemmOf(result), Model = result.GetValue(_model)!,
    };

    /// <summary>--json.</summary>
    public static Option<bool> MakeJson() => new("--json") { Description = "Print one JSON object instead of a table." };

    /// <summary>A whole number from 1, or from 0 where that is its default.</summary>
    public static Option<int> Whole(string name, string help, int value)
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

    private int SgemmOf(ParseResult result) => result.CommandResult.Command.Options.Contains(Sgemm)
        ? result.GetValue(Sgemm)
        : 1024;
}
