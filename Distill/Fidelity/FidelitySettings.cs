using System.CommandLine;
using System.Globalization;
using System.Text.Json.Serialization;
using InfMatch.Datasets;
using InfMatch.Influence;
using InfMatch.Nn;
using InfMatch.Tensors;

namespace InfMatch.Distill;

/// <summary>What 'influence' is asked: which training, which examples, which estimates. <see cref="FidelityOptions"/> fills
/// it and knows the defaults; what belongs to the other command stays empty.</summary>
internal sealed record FidelitySettings
{
    /// <summary>What an option of 'influence scores' says that follows from data and network.</summary>
    public const string Auto = "auto";

    // Enough for a ConvNet to learn photographs from, in two minutes on two cores.
    private const int MostExamples = 20_000, MostValidation = 5000, FewestSteps = 300, EpochsOfScores = 3;

    public string Model { get; init; } = "";

    public string Activation { get; init; } = "";

    public int Width { get; init; }

    public int Depth { get; init; }

    public int Examples { get; init; }

    public int Steps { get; init; }

    public int Batch { get; init; }

    public double Rate { get; init; }

    public double Momentum { get; init; }

    public double Decay { get; init; }

    public string NumberType { get; init; } = "";

    public string Second { get; init; } = "";

    public double DifferenceStep { get; init; }

    public int Checkpoints { get; init; }

    public double Damping { get; init; }

    public string[] Estimators { get; init; } = [];

    public string Measure { get; init; } = "";

    public int Validation { get; init; }

    public int Seeds { get; init; } = 1;

    public int[] Horizons { get; init; } = [];

    public int LeaveOut { get; init; }

    public double Share { get; init; }

    public double Twin { get; init; }

    public int Displacements { get; init; }

    public int Groups { get; init; }

    public int GroupSize { get; init; }

    public int Subsets { get; init; }

    public double SubsetShare { get; init; }

    public int TestPoints { get; init; }

    public int Candidates { get; init; }

    public int CandidateIpc { get; init; }

    public double FlipLabels { get; init; }

    public int Pictures { get; init; }

    /// <summary>Whether the rate is found by short trainings (<see cref="RateSearch"/>).</summary>
    [JsonIgnore]
    public bool SearchesRate => Rate == 0;

    /// <summary>The same with numbers for what was left to follow from the data set: examples, images of validation, steps,
    /// number type and how second derivatives are taken. The rate stays open.</summary>
    public FidelitySettings For(DatasetPair pair)
    {
        // Networks with many numbers an image are scored in half the time and memory, and no worse.
        bool deep = Model is "convnet" or "mlp";
        int examples = Examples == 0 ? Math.Min(MostExamples, pair.Train.Count) : Examples;
        return this with
        {
            Examples = examples,
            Validation = Validation == 0 ? Math.Min(MostValidation, pair.Test.Count) : Validation,
            Steps = Steps == 0 ? Math.Max(FewestSteps, EpochsOfScores * ((examples - 1) / Batch + 1)) : Steps,
            NumberType = NumberType != Auto ? NumberType : deep ? "float32" : "float64",
            Second = Second != Auto ? Second : deep ? "differences" : "exact",
        };
    }

    [JsonIgnore]
    public DType DType => NumberType == "float64" ? DType.Float64 : DType.Float32;

    /// <summary>How second derivatives are taken.</summary>
    [JsonIgnore]
    public SecondOrderProducts Field =>
        new(
            Second == "exact" ? SecondDerivatives.Exact : SecondDerivatives.FiniteDifference,
            DifferenceStep > 0 ? DifferenceStep : null);
}

/// <summary>The options of 'influence truth' and 'influence scores', beside those of data and machine.</summary>
internal sealed class FidelityOptions
{
    private readonly List<Func<ParseResult, FidelitySettings, FidelitySettings>> _readers = [];

    /// <summary>Options of both commands, or of one of them as well.</summary>
    public FidelityOptions(bool truth)
    {
        Choice("--model", "What is trained", ["logistic", "mlp", "convnet", "quadratic"], truth ? "logistic" : "convnet",
            (s, v) => s with { Model = v });
        Choice("--activation", "The nonlinearity of mlp and convnet", ["relu", "softplus", "tanh", "gelu"], "relu",
            (s, v) => s with { Activation = v });
        Whole("--width", "Channels of the convnet.", 1, 4096, truth ? 8 : 32, (s, v) => s with { Width = v });
        Whole("--depth", "Blocks of the convnet.", 1, 8, truth ? 2 : 3, (s, v) => s with { Depth = v });
        Whole(
            "--examples", "Training images, drawn at random; auto for all, but 20000 at most.", 2, 1_000_000,
            truth ? 1000 : 0, (s, v) => s with { Examples = v });
        Whole(
            "--steps", "Steps of training; auto for three epochs, but 300 at least.", 1, 1_000_000, truth ? 300 : 0,
            (s, v) => s with { Steps = v });
        Whole("--batch", "Images a step.", 1, 1_000_000, 50, (s, v) => s with { Batch = v });
        if (truth)
            Real("--rate", "Learning rate.", v => v > 0, "a number above 0", 0.05, (s, v) => s with { Rate = v });
        else
        {
            Add(
                "--rate", "Learning rate; auto for the smallest that learns nearly as much as the best in short trainings.",
                "X", [FidelitySettings.Auto],
                t => t[0] == FidelitySettings.Auto ? 0 : OptionText.Number("--rate", t[0], v => v > 0, "a number above 0, or auto"),
                false, (s, v) => s with { Rate = v });
        }
        Real("--momentum", "Momentum.", v => v is >= 0 and < 1, "a number from 0 to below 1", 0, (s, v) =>
            s with { Momentum = v });
        Real("--decay", "Weight decay.", v => v >= 0, "a number from 0", 0, (s, v) => s with { Decay = v });
        string[] auto = truth ? [] : [FidelitySettings.Auto];
        Choice(
            "--number-type", "What is calculated in" + (truth ? "" : "; auto for float32 with convnet and mlp, else float64"),
            ["float32", "float64", .. auto], truth ? "float64" : FidelitySettings.Auto, (s, v) => s with { NumberType = v });
        Choice(
            "--second",
            "How second derivatives are taken" + (truth ? "" : "; auto for differences with convnet and mlp, else exact"),
            ["exact", "differences", .. auto], truth ? "exact" : FidelitySettings.Auto, (s, v) => s with { Second = v });
        Real("--difference-step", "c of differences, ‖εv‖ = c·max(‖θ‖, 1); 0 for the cube root of the rounding unit.",
            v => v >= 0, "a number from 0", 0, (s, v) => s with { DifferenceStep = v });
        Whole("--checkpoints", "Checkpoints of the paper's estimate and of TracIn.", 2, 1_000_000, truth ? 5 : 20,
            (s, v) => s with { Checkpoints = v });
        Real("--damping", "What koh-liang adds to the curvature.", v => v > 0, "a number above 0", 0.01,
            (s, v) => s with { Damping = v });
        Choice("--measure", "What influence is had on", ["loss", "margin"], "loss", (s, v) => s with { Measure = v });
        Whole(
            "--validation",
            "Test images whose mean measure is predicted" + (truth ? "." : "; auto for all, but 5000 at most."), 1, 1_000_000,
            truth ? 200 : 0, (s, v) => s with { Validation = v });
        Names("--estimators", "The estimates", ExampleInfluences.Names,
            truth
                ? [.. ExampleInfluences.Names.Where(n => !n.EndsWith("plain", StringComparison.Ordinal))]
                : ["tracin"],
            (s, v) => s with { Estimators = v });
        if (!truth)
        {
            Real("--flip-labels", "Share of the training images that get a wrong label.", v => v is >= 0 and < 1,
                "a number from 0 to below 1", 0, (s, v) => s with { FlipLabels = v });
            Whole("--pictures", "Most helpful and most harmful images of each class in the pictures.", 1, 50, 10,
                (s, v) => s with { Pictures = v });
            return;
        }
        Whole("--seeds", "Repetitions with other data, initialisation and order.", 1, 1000, 3, (s, v) =>
            s with { Seeds = v });
        Numbers("--horizons", "Numbers of steps after which predictions are compared; --steps is always one.",
            (s, v) => s with { Horizons = v });
        Whole("--leave-out", "Examples that are left out, one at a time.", 0, 1_000_000, 40, (s, v) =>
            s with { LeaveOut = v });
        Real("--share", "How much of its weight is taken from what is left out, alone, in groups or by subsets.",
            v => v is > 0 and <= 1, "a number above 0 to 1", 1, (s, v) => s with { Share = v });
        Real("--twin", "Also trains everything again with all weights changed by so much at random, which says how far any " +
            "estimate can get; 0 for not.", v => v is >= 0 and < 1, "a number from 0 to below 1", 0, (s, v) =>
            s with { Twin = v });
        Whole("--displacements", "How many of these are compared as vectors.", 0, 1_000_000, 5,
            (s, v) => s with { Displacements = v });
        Whole("--groups", "Groups that are left out.", 0, 1_000_000, 20, (s, v) => s with { Groups = v });
        Whole("--group-size", "Examples of a group.", 1, 1_000_000, 20, (s, v) => s with { GroupSize = v });
        Whole("--subsets", "Random subsets of the examples, for LDS.", 0, 1_000_000, 50, (s, v) =>
            s with { Subsets = v });
        Real("--subset-share", "How many of the examples a subset leaves out, the others taking over their weight.",
            v => v is > 0 and < 1, "a number above 0 to below 1", 0.5, (s, v) => s with { SubsetShare = v });
        Whole("--test-points", "Test images of LDS.", 1, 1_000_000, 20, (s, v) => s with { TestPoints = v });
        Whole("--candidates", "Candidate sets S whose J is compared with training on them.", 0, 1_000_000, 20,
            (s, v) => s with { Candidates = v });
        Whole("--candidate-ipc", "Images per class of a candidate.", 1, 1_000_000, 5, (s, v) =>
            s with { CandidateIpc = v });
    }

    /// <summary>The options as the parser knows them.</summary>
    public List<Option> Options { get; } = [];

    /// <summary>The settings that the command line asks for.</summary>
    /// <exception cref="DistillException">A value is not acceptable.</exception>
    public FidelitySettings Read(ParseResult result)
    {
        var settings = new FidelitySettings();
        foreach (Func<ParseResult, FidelitySettings, FidelitySettings> read in _readers)
            settings = read(result, settings);
        if (settings.Steps == 0)
            return settings;
        if (settings.Horizons.FirstOrDefault(h => h > settings.Steps) is var beyond and > 0)
            throw DistillException.BadValue("--horizons", $"{beyond}", $"numbers up to --steps ({settings.Steps})");
        return settings with { Horizons = [.. settings.Horizons.Append(settings.Steps).Distinct().Order()] };
    }

    private void Add<T>(
        string name, string help, string hint, string[] defaults, Func<string[], T> parse, bool many,
        Func<FidelitySettings, T, FidelitySettings> set, IEnumerable<string>? choices = null)
    {
        Option option = many
            ? new Option<string[]>(name) { Arity = ArgumentArity.OneOrMore, AllowMultipleArgumentsPerToken = true }
            : new Option<string>(name);
        option.Description = help + (defaults.Length == 0 ? "" : $" [{string.Join(' ', defaults)}]");
        option.HelpName = hint;
        if (choices is not null)
            option.CompletionSources.Add([.. choices]);
        Options.Add(option);
        _readers.Add((result, settings) =>
            set(settings, parse(result.GetResult(option) is { Implicit: false } found
                ? [.. found.Tokens.Select(t => t.Value)]
                : defaults)));
    }

    private void Choice(
        string name, string help, IReadOnlyList<string> choices, string standard,
        Func<FidelitySettings, string, FidelitySettings> set) =>
        Add(name, $"{help}: {string.Join(", ", choices)}.", "NAME", [standard], t => OptionText.OneOf(name, t[0], choices), false, set, choices);

    private void Names(
        string name, string help, IReadOnlyList<string> choices, IReadOnlyList<string> standard,
        Func<FidelitySettings, string[], FidelitySettings> set) =>
        Add(
            name, $"{help}: {string.Join(", ", choices)}.", "NAME", [.. standard],
            t => (string[])[.. t.Select(x => OptionText.OneOf(name, x, choices)).Distinct(StringComparer.Ordinal)], true, set,
            choices);

    // A standard of 0 is "auto", which is read only then.
    private void Whole(
        string name, string help, int low, int high, int standard, Func<FidelitySettings, int, FidelitySettings> set) =>
        Add(
            name, help, "N", [standard == 0 && low > 0 ? FidelitySettings.Auto : $"{standard}"],
            t => standard == 0 && t[0] == FidelitySettings.Auto ? 0 : OptionText.Whole(name, t[0], low, high), false, set);

    private void Numbers(string name, string help, Func<FidelitySettings, int[], FidelitySettings> set) =>
        Add(name, help, "N", [], t => (int[])[.. t.Select(x => OptionText.Whole(name, x, 1, 1_000_000))], true, set);

    private void Real(
        string name, string help, Func<double, bool> isFine, string expected, double standard,
        Func<FidelitySettings, double, FidelitySettings> set) =>
        Add(
            name, help, "X", [standard.ToString("R", CultureInfo.InvariantCulture)],
            t => OptionText.Number(name, t[0], isFine, expected), false, set);
}
