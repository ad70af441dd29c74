using System.CommandLine;
using System.Globalization;
using InfMatch.Influence;

namespace InfMatch.Distill;

/// <summary>The options of 'influence validate' and 'influence scores', beside those of data and machine.</summary>
internal sealed class FidelityOptions
{
    private readonly List<Func<ParseResult, FidelitySettings, FidelitySettings>> _readers = [];
    private readonly bool _isValidation;

    /// <summary>Options of both commands, and those of one of them.</summary>
    public FidelityOptions(bool isValidation)
    {
        _isValidation = isValidation;
        AddTraining();
        AddEstimates();
        if (isValidation)
            AddRetrainings();
        else
            AddScores();
    }

    private void AddTraining()
    {
        Choice("--model", "What is trained", ["logistic", "mlp", "convnet", "quadratic"], _isValidation ? "logistic" : "convnet",
            (s, v) => s with { Model = v });
        Choice("--activation", "The nonlinearity of mlp and convnet", ["relu", "softplus", "tanh", "gelu"], "relu",
            (s, v) => s with { Activation = v });
        Whole("--width", "Channels of the convnet.", 1, 4096, _isValidation ? 8 : 32, (s, v) => s with { Width = v });
        Whole("--depth", "Blocks of the convnet.", 1, 8, _isValidation ? 2 : 3, (s, v) => s with { Depth = v });
        Whole(
            "--examples", "Training images, drawn at random; auto for all, but 20000 at most.", 2, 1_000_000,
            _isValidation ? 1000 : 0, (s, v) => s with { Examples = v });
        Whole(
            "--steps", "Steps of training; auto for three epochs, but 300 at least.", 1, 1_000_000, _isValidation ? 300 : 0,
            (s, v) => s with { Steps = v });
        Whole("--batch", "Images a step.", 1, 1_000_000, 50, (s, v) => s with { Batch = v });
        if (_isValidation)
            Real("--rate", "Learning rate.", v => v > 0, "a number above 0", 0.05, (s, v) => s with { Rate = v });
        else
        {
            Add(
                new Text(
                    "--rate", "Learning rate; auto for the smallest that learns nearly as much as the best in short trainings.",
                    "X", FidelitySettings.Auto),
                t => t[0] == FidelitySettings.Auto ? 0 : OptionText.Number("--rate", t[0], v => v > 0, "a number above 0, or auto"),
                (s, v) => s with { Rate = v });
        }
        Real("--momentum", "Momentum.", v => v is >= 0 and < 1, "a number from 0 to below 1", 0, (s, v) =>
            s with { Momentum = v });
        Real("--decay", "Weight decay.", v => v >= 0, "a number from 0", 0, (s, v) => s with { Decay = v });
    }

    private void AddEstimates()
    {
        string[] auto = _isValidation ? [] : [FidelitySettings.Auto];
        Choice(
            "--number-type", "What is calculated in" + (_isValidation ? "" : "; auto for float32 with convnet and mlp, else float64"),
            ["float32", "float64", .. auto], _isValidation ? "float64" : FidelitySettings.Auto, (s, v) => s with { NumberType = v });
        Choice(
            "--second",
            "How second derivatives are taken" + (_isValidation ? "" : "; auto for differences with convnet and mlp, else exact"),
            ["exact", "differences", .. auto], _isValidation ? "exact" : FidelitySettings.Auto, (s, v) => s with { Second = v });
        Real("--difference-step", "c of differences, ‖εv‖ = c·max(‖θ‖, 1); 0 for the cube root of the rounding unit.",
            v => v >= 0, "a number from 0", 0, (s, v) => s with { DifferenceStep = v });
        Whole("--checkpoints", "Checkpoints of the paper's estimate and of TracIn.", 2, 1_000_000, _isValidation ? 5 : 20,
            (s, v) => s with { Checkpoints = v });
        Real("--damping", "What koh-liang adds to the curvature.", v => v > 0, "a number above 0", 0.01,
            (s, v) => s with { Damping = v });
        Choice("--measure", "What influence is had on", ["loss", "margin"], "loss", (s, v) => s with { Measure = v });
        Whole(
            "--validation",
            "Test images whose mean measure is predicted" + (_isValidation ? "." : "; auto for all, but 5000 at most."), 1, 1_000_000,
            _isValidation ? 200 : 0, (s, v) => s with { Validation = v });
        Names("--estimators", "The estimates", ExampleInfluences.Names,
            _isValidation
                ? [.. ExampleInfluences.Names.Where(n => !n.EndsWith("plain", StringComparison.Ordinal))]
                : ["tracin"],
            (s, v) => s with { Estimators = v });
    }

    private void AddScores()
    {
        Real("--flip-labels", "Share of the training images that get a wrong label.", v => v is >= 0 and < 1,
            "a number from 0 to below 1", 0, (s, v) => s with { FlipLabels = v });
        Whole("--pictures", "Most helpful and most harmful images of each class in the pictures.", 1, 50, 10,
            (s, v) => s with { Pictures = v });
    }

    private void AddRetrainings()
    {
        Whole("--seeds", "Repetitions with other data, initialisation and order.", 1, 1000, 3, (s, v) =>
            s with { Seeds = v });
        Numbers("--horizons", "Numbers of steps after which predictions are compared; --steps is always one.",
            (s, v) => s with { Horizons = v });
        Whole("--leave-out", "Examples that are left out, one at a time.", 0, 1_000_000, 40, (s, v) =>
            s with { LeaveOut = v });
        Real("--share", "How much of its weight is taken from what is left out, alone, in groups or by subsets.",
            v => v is > 0 and <= 1, "a number above 0 to 1", 1, (s, v) => s with { Share = v });
        Real("--twin", "Perturbed retraining (twin): also trains everything again with all weights changed by so much at " +
            "random, which says how far any estimate can get; 0 for not.", v => v is >= 0 and < 1,
            "a number from 0 to below 1", 0, (s, v) => s with { Twin = v });
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

    // Defaults are read as if they were given.
    private sealed record Text(string Name, string Help, string Hint, params string[] Defaults)
    {
        public bool IsMany { get; init; }

        public IReadOnlyList<string> Choices { get; init; } = [];
    }

    private void Add<T>(Text text, Func<string[], T> parse, Func<FidelitySettings, T, FidelitySettings> set)
    {
        Option option = text.IsMany
            ? new Option<string[]>(text.Name) { Arity = ArgumentArity.OneOrMore, AllowMultipleArgumentsPerToken = true }
            : new Option<string>(text.Name);
        option.Description = text.Help + (text.Defaults.Length == 0 ? "" : $" [{string.Join(' ', text.Defaults)}]");
        option.HelpName = text.Hint;
        if (text.Choices.Count > 0)
            option.CompletionSources.Add([.. text.Choices]);
        Options.Add(option);
        _readers.Add((result, settings) =>
            set(settings, parse(result.GetResult(option) is { Implicit: false } found
                ? [.. found.Tokens.Select(t => t.Value)]
                : text.Defaults)));
    }

    private void Choice(
        string name, string help, IReadOnlyList<string> choices, string standard,
        Func<FidelitySettings, string, FidelitySettings> set) =>
        Add(
            new Text(name, $"{help}: {string.Join(", ", choices)}.", "NAME", standard) { Choices = choices },
            t => OptionText.OneOf(name, t[0], choices), set);

    private void Names(
        string name, string help, IReadOnlyList<string> choices, IReadOnlyList<string> standard,
        Func<FidelitySettings, string[], FidelitySettings> set) =>
        Add(
            new Text(name, $"{help}: {string.Join(", ", choices)}.", "NAME", [.. standard]) { IsMany = true, Choices = choices },
            t => (string[])[.. t.Select(x => OptionText.OneOf(name, x, choices)).Distinct(StringComparer.Ordinal)], set);

    // A standard of 0 is "auto", which is read only then.
    private void Whole(
        string name, string help, int low, int high, int standard, Func<FidelitySettings, int, FidelitySettings> set) =>
        Add(
            new Text(name, help, "N", standard == 0 && low > 0 ? FidelitySettings.Auto : $"{standard}"),
            t => standard == 0 && t[0] == FidelitySettings.Auto ? 0 : OptionText.Whole(name, t[0], low, high), set);

    private void Numbers(string name, string help, Func<FidelitySettings, int[], FidelitySettings> set) =>
        Add(
            new Text(name, help, "N") { IsMany = true },
            t => (int[])[.. t.Select(x => OptionText.Whole(name, x, 1, 1_000_000))], set);

    private void Real(
        string name, string help, Func<double, bool> isFine, string expected, double standard,
        Func<FidelitySettings, double, FidelitySettings> set) =>
        Add(
            new Text(name, help, "X", standard.ToString("R", CultureInfo.InvariantCulture)),
            t => OptionText.Number(name, t[0], isFine, expected), set);
}
