using System.CommandLine;
using InfMatch.Datasets;
using InfMatch.Nn;
using InfMatch.Tensors;

namespace InfMatch.Distill;

/// <summary>The commands and their options, from arguments to an exit code.</summary>
internal static class CommandTree
{
    private const string DemoHelp =
        """
        InfMatch.Native: dataset distillation by influence matching.

        Without a command the demonstration runs: on the built-in part of Fashion-MNIST it trains and records experts,
        distils 1 and 10 images per class, and judges them beside random real images. A minute or two on two cores.

        Examples:
          dotnet run --project Distill
          dotnet run --project Distill -- distill --dataset fashion-mnist --data ~/data --ipc 1 10
          dotnet run --project Distill -- evaluate runs/RUN/synthetic/ipc10.safetensors --epochs 1000 --repeats 5

        Environment:
          INFMATCH_DATA    folder of the data sets, where --data is not given
          INFMATCH_DEVICE  device, where --device is not given
          NO_COLOR         no colours

        Exit codes: 0 done, 1 bug, 2 usage, 3 data, 4 device, 5 memory, 6 numerical, 7 files, 130 interrupted.
        """;

    private const string DistillHelp =
        """
        Distils a data set and judges the result.

        Trains and records experts (or takes those of --experts-from), then learns --ipc images per class whose influence on
        the experts' parameters matches that of the whole set. Values in brackets are the defaults of the preset 'standard'
        and, where they differ, of the others. 'retrained' gives the best sets on full data sets, with
        one image a class by --start-first 5 --start-last 30, and takes longer.

        Examples:
          dotnet run --project Distill -- distill --ipc 1
          dotnet run --project Distill -- distill --preset retrained --dataset fashion-mnist --data ~/data --ipc 10
          dotnet run --project Distill -- distill --preset demo --estimator unrolled --dense-steps 60 --window 20
        """;

    private const string TrainHelp =
        """
        Trains experts on a data set and records their trajectories, for distill --experts-from.

        Example:
          dotnet run --project Distill -- train --dataset fashion-mnist --experts 10 --experts-from experts/fashion
        """;

    private const string EvaluateHelp =
        """
        Judges a distilled set by protocol A, B or DC beside random real images of the same number. Without a set only the
        random real images of --ipc are evaluated: that calibrates the protocol against published figures. The set's own data
        are expected: other classes, or the same in another order, are refused by name (--allow-other-data judges all the same). Soft labels and the
        accuracy on the whole set come from the experts of the set's run folder, or of --experts-from, recorded with the
        same expert options. The evaluation gets a folder below --out, in which each network is kept as soon as it is evaluated; an
        interrupted one goes on with 'resume'.

        Examples:
          dotnet run --project Distill -- evaluate runs/RUN/synthetic/ipc10.safetensors --eval-width 128 --protocol B
          dotnet run --project Distill -- evaluate runs/RUN/synthetic/ipc10.safetensors --models convnet,resnet18
          dotnet run --project Distill -- evaluate --dataset mnist --ipc 1 10 --eval-width 128 --augment none
        """;

    private const string DevicesHelp =
        """
        Lists the processor and every CUDA and OpenCL device with its memory and limits, whether it can be used and if not
        why, and marks the one that --device auto takes.

        Examples:
          dotnet run --project Distill -- devices
          dotnet run --project Distill -- devices --json
        """;

    private const string DoctorHelp =
        """
        Checks that this machine and its devices compute what they must: products beside plain loops in float64, derivatives
        beside differences, memory that comes back, a place to write, the built-in data. One line for each check, with what
        to do where it fails. Without --device every usable device is checked.

        Examples:
          dotnet run --project Distill -- doctor
          dotnet run --project Distill -- doctor --device cuda:0 --all
        """;

    private const string InfluenceHelp =
        """
        Estimates of what training examples do to a trained network: 'truth' holds them to training again, 'scores' gives
        every example of a training its score.
        """;

    private const string TruthHelp =
        """
        Trains a small network again without single examples, groups and random halves, and on candidate sets, always with the
        same initialisation and order, and compares with what the estimates predict: displacement of the parameters,
        Spearman's correlation, LDS, and J with the distance that training on a set really ends at. Trainings are kept
        below --out, and a second call uses them. --threads says how many trainings or estimates run at once.

        Examples:
          dotnet run --project Distill -- influence truth --horizons 10 30 100 --seeds 1
          dotnet run --project Distill -- influence truth --dataset mnist --data ~/data --model mlp --momentum 0.9 --json
        """;

    private const string ScoresHelp =
        """
        Trains a network and scores every training example by what its weight does to the loss of test images: positive is
        harmful. Writes scores.csv and pictures of the most helpful and most harmful images of each class by the first
        estimate. With --flip-labels a share of the labels is made wrong first, and the table tells how well each estimate
        finds them.

        Examples:
          dotnet run --project Distill -- influence scores --flip-labels 0.1
          dotnet run --project Distill -- influence scores --model convnet --estimators unrolled tracin --number-type float32
        """;

    private const string AblateHelp =
        """
        Switches parts of the method on one by one, all on the same experts: the start from real images, the growing range of
        windows, learned labels. 'paper' is the grid of the paper, whose figures stand beside ours; 'full' is every combination
        of three starts, three kinds of labels, and the range growing or whole. An interrupted ablation goes on with 'resume'.

        Examples:
          dotnet run --project Distill -- ablate --preset demo --ipc 1
          dotnet run --project Distill -- ablate --dataset cifar-10 --data ~/data --ipc 10 --grid full
        """;

    private const string ResumeHelp =
        """
        Continues an interrupted run, ablation, training of experts or evaluation from its last saved state; the result has the
        same bits as an uninterrupted one. Every file that is read is held to the hash that it states. Settings stay as
        config.json has them; what may change is where the data and the experts are, and on what is computed.

        Examples:
          dotnet run --project Distill -- resume
          dotnet run --project Distill -- resume runs/RUN
          dotnet run --project Distill -- resume runs/RUN --data /mnt/data
        """;

    /// <summary>Parses and runs; every error becomes one message and one exit code.</summary>
    /// <param name="args">The arguments.</param>
    /// <param name="terminal">Where output goes.</param>
    /// <param name="interruption">What Ctrl-C does.</param>
    /// <param name="load">Loads a data set by name and folder; the catalogue without one.</param>
    /// <returns>The exit code.</returns>
    public static int Run(
        string[] args, Terminal terminal, Interruption interruption, Func<string, string?, DatasetPair>? load = null)
    {
        var json = new Option<bool>("--json") { Description = "Print the result as JSON on stdout, in place of tables.", Recursive = true };
        var verbose = new Option<bool>("--verbose") { Description = "Show the stack of an error.", Recursive = true };
        var preset = new Option<string>("--preset")
        {
            Description = $"Starting values of all settings: {string.Join(", ", Presets.Names)}.",
            HelpName = "NAME",
        };
        var set = new Argument<string?>("SET")
        {
            Description = "A file that 'distill' wrote.", Arity = ArgumentArity.ZeroOrOne,
        };
        var run = new Argument<string?>("RUN")
        {
            Description = "A run folder; without one the latest below --out.", Arity = ArgumentArity.ZeroOrOne,
        };

        var models = new Option<string[]>("--models")
        {
            Description = $"Judge with each of these architectures in turn: {string.Join(", ", Architectures.Names)}.",
            HelpName = "NAMES", AllowMultipleArgumentsPerToken = true,
        };
        var otherData = new Option<bool>(SetAgreement.Option)
        {
            Description = "Judge a set on data that are not its own, whose classes have other names or another order.",
        };
        var everything = new Option<bool>("--all")
        {
            Description = "Check every sample of every operation instead of a few products; a few seconds more.",
        };

        var grid = new Option<string>("--grid")
        {
            Description = $"What is switched: {string.Join(", ", AblationGrid.Names)}. [{AblationGrid.Names[0]}]",
            HelpName = "NAME",
        };
        Func<RunSettings, DatasetPair> loadSet = load is null
            ? new DatasetLoading(terminal, interruption.Token).Load
            : settings => load(settings.Dataset, settings.Data);

        RunCommands Commands(ParseResult result, string command) => new(
            terminal, loadSet, command, interruption.Token);

        string PresetOf(ParseResult result, string fallback)
        {
            string chosen = result.GetValue(preset) ?? fallback;
            return Presets.Has(chosen)
                ? chosen
                : throw DistillException.BadValue("--preset", chosen, $"one of {string.Join(", ", Presets.Names)}");
        }

        ResolvedSettings Resolve(ParseResult result, string chosen) => Settings.Resolve(
            chosen, setting => GivenText(result, setting), Environment.GetEnvironmentVariable);

        Command Make(string word, string help, IEnumerable<Setting> settings, Action<ParseResult> action)
        {
            var command = new Command(word, help);
            foreach (Setting setting in settings)
                command.Options.Add(setting.Option);
            command.SetAction(action);
            return command;
        }

        var root = new RootCommand(DemoHelp);
        root.Options.Add(json);
        root.Options.Add(verbose);
        foreach (Setting setting in Settings.OfMachine)
            root.Options.Add(setting.Option);
        root.SetAction(result => Commands(result, "distill").Distill("demo", Resolve(result, "demo")));

        Command distill = Make(
            "distill", DistillHelp, Settings.All,
            result => Commands(result, "distill").Distill("distill", Resolve(result, PresetOf(result, "standard"))));
        distill.Options.Add(preset);
        Command train = Make(
            "train", TrainHelp, [.. Settings.OfData, .. Settings.OfExperts, .. Settings.OfMachine],
            result => Commands(result, "train").Train(Resolve(result, PresetOf(result, "standard"))));
        train.Options.Add(preset);
        Command evaluate = Make(
            "evaluate", EvaluateHelp,
            [.. Settings.OfData, .. Settings.OfEvaluation, .. Settings.OfMachine, .. Named("Ipc", "Temperature"),
                .. Settings.OfExperts],
            result => Commands(result, "evaluate").Evaluate(
                result.GetValue(set), Resolve(result, PresetOf(result, "standard")),
                [.. (result.GetValue(models) ?? []).SelectMany(m => m.Split(',', StringSplitOptions.RemoveEmptyEntries))],
                result.GetValue(otherData)));
        evaluate.Options.Add(models);
        evaluate.Options.Add(otherData);
        evaluate.Arguments.Add(set);
        evaluate.Options.Add(preset);
        Command ablate = Make(
            "ablate", AblateHelp, Settings.All,
            result => Commands(result, "ablate").Ablate(
                OptionText.OneOf("--grid", result.GetValue(grid) ?? AblationGrid.Names[0], AblationGrid.Names),
                Resolve(result, PresetOf(result, "standard"))));
        ablate.Options.Add(preset);
        ablate.Options.Add(grid);
        Command resume = Make(
            "resume", ResumeHelp, Named("Out", "Data", "ExpertsFrom", "Device", "Threads", "MemoryLimit"),
            result => Commands(result, "resume").Resume(result.GetValue(run), Resolve(result, "standard")));
        resume.Arguments.Add(run);
        Command devices = Make(
            "devices", DevicesHelp, [], result => new DeviceCommands(terminal).List());
        Command doctor = Make(
            "doctor", DoctorHelp, Named("Device", "Threads", "MemoryLimit", "Out"),
            result =>
            {
                ResolvedSettings resolved = Resolve(result, "standard");
                new DeviceCommands(terminal).CheckHealth(
                    resolved.Settings, resolved.IsGiven("Device"), result.GetValue(everything));
            });
        doctor.Options.Add(everything);
        Command Influence(
            string word, string help, bool truth, Action<InfluenceCommands, RunSettings, FidelitySettings> run)
        {
            var options = new FidelityOptions(truth);
            Command command = Make(
                word, help, Named("Dataset", "Data", "ImageSize", "Seed", "Threads", "Out"),
                result => run(
                    new InfluenceCommands(terminal, loadSet, interruption.Token),
                    Resolve(result, "standard").Settings, options.Read(result)));
            options.Options.ForEach(command.Options.Add);
            return command;
        }

        var influence = new Command("influence", InfluenceHelp);
        influence.Subcommands.Add(Influence("truth", TruthHelp, truth: true, (c, m, s) => c.Truth(m, s)));
        influence.Subcommands.Add(Influence("scores", ScoresHelp, truth: false, (c, m, s) => c.Scores(m, s)));
        Command[] ofArtifacts = ArtifactCommands.Make(
            [.. Named("Data", "Device", "Threads", "MemoryLimit")],
            result => new ArtifactCommands(terminal, loadSet, interruption.Token),
            result => Resolve(result, "standard"));
        Command datasets = DatasetCommandTree.Make(terminal, GivenText, interruption.Token);
        foreach (Command command in (Command[])
            [distill, train, evaluate, .. ofArtifacts, ablate, influence, resume, datasets, devices, doctor])
            root.Subcommands.Add(command);

        ParseResult parsed = root.Parse(OlderNames.Options(args));
        string name = parsed.CommandResult.Command is RootCommand ? "distill" : parsed.CommandResult.Command.Name;
        bool isVerbose = args.Contains("--verbose", StringComparer.Ordinal);
        (interruption.Announce, interruption.Abandon) = (terminal.AnnounceInterruption, terminal.Abandon);
        try
        {
            if (parsed.Errors.Count > 0 && parsed.Action is not System.CommandLine.Help.HelpAction)
                throw DistillException.BadCommand(Explain(parsed));
            terminal.IsJson = parsed.GetValue(json);
            return parsed.Invoke(new InvocationConfiguration
            {
                EnableDefaultExceptionHandler = false,
                // Signals are heard by Interruption: the library would end the process after a time limit.
                ProcessTerminationTimeout = null,
                Output = terminal.Data,
            });
        }
        catch (Exception e)
        {
            terminal.SayLines(Failure.Describe(name, e, isVerbose));
            return (int)Failure.CodeOf(e);
        }
    }

    private static IEnumerable<Setting> Named(params string[] properties) =>
        Settings.All.Where(s => properties.Contains(s.Property, StringComparer.Ordinal));

    private static string? GivenText(ParseResult result, Setting setting) =>
        result.GetResult(setting.Option) is { Implicit: false } found
            ? string.Join(' ', found.Tokens.Select(t => t.Value))
            : null;

    private static string Explain(ParseResult parsed)
    {
        Command command = parsed.CommandResult.Command;
        string help = command is RootCommand ? "--help" : $"{command.Name} --help";
        if (parsed.UnmatchedTokens is not [string unknown, ..])
            return $"{parsed.Errors[0].Message.TrimEnd('.')}. See {help}.";
        IEnumerable<string> known = unknown.StartsWith('-')
            ? command.Options.Select(o => o.Name)
            : command.Subcommands.Select(c => c.Name);
        string near = Nearest.To(unknown, known) is { } word ? $" Did you mean {word}?" : "";
        return $"\"{unknown}\" is not known here.{near} See {help}.";
    }
}
