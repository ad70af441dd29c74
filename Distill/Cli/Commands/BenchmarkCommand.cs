using System.CommandLine;
using System.Globalization;
using InfMatch.Methods;
using InfMatch.Tensors;

namespace InfMatch.Distill;

/// <summary>'benchmark': methods beside each other.</summary>
internal sealed class BenchmarkCommand : CommandDefinition
{
    private const int MostAtOnce = 64;

    /// <inheritdoc/>
    public override string Name => "benchmark";

    /// <inheritdoc/>
    public override int Place => 6;

    /// <inheritdoc/>
    public override CommandGroup Group => CommandGroup.Make;

    /// <inheritdoc/>
    public override IReadOnlyList<string> CommonOptions { get; } =
    [
        "--methods", "--ipc", "--seeds", "--budget", "--resume", "--at-once", "--dataset", "--data", "--width", "--repeats", "--set",
    ];

    /// <inheritdoc/>
    public override string Help =>
        """
        Compares methods on the same data, experts, budget and protocol.

        Each method, number of images per class and seed is a cell: a run of its own below 'cells'. A method has the settings that its
        authors published for the data set; data, networks, experts and protocol are those of all. What is given goes before both:
        --width 32 for all, --set mtt:lrImg=100 for one. Experts are trained once, with the first seed; the seed of a cell is that of
        its set and of the networks that evaluate it. Random real images are evaluated once for each seed.

        A cell that fails is left out with its reason, and the others go on. Interrupted, the benchmark continues with --resume, or
        with the same command and --out naming its folder, which may add methods and seeds. Finished cells are not run again. With
        --run and --part each of several calls runs a share of the cells, and the same command without --part the rest. The result is
        table.json, with table.md, table.csv and table.svg.

        Examples:
          infmatch benchmark --methods dm influence --ipc 1 10 --seeds 0 1 --budget 2e6images
          infmatch benchmark --dataset cifar-10 --data ~/data --ipc 10 --budget 20min --width 32
          infmatch benchmark --resume runs/BENCHMARK
        """;

    /// <inheritdoc/>
    public override Action<CommandContext>? Build(Command command)
    {
        // Cells share what random real images reach, each seed its own.
        AddSettings(command, Settings.All.Where(s =>
            s.Property is not (nameof(RunSettings.Method) or nameof(RunSettings.Seed) or nameof(RunSettings.BaselinesFrom))));
        Option<string> preset = AddPreset(command);
        Option<string[]> methods = Add(command, Many("--methods", "NAME", "The methods [all]."));
        methods.CompletionSources.Add([.. Kinds.Names<DistillationMethod>()]);
        Option<string[]> seeds = Add(command, Many("--seeds", "N", "The seeds [0]."));
        Option<string?> resume = Add(command, new Option<string?>("--resume")
        {
            Description = "Continue the benchmark in this folder. Settings stay as they are; what may change is where data, experts, start " +
                "and networks that label are, and on what is computed.",
            HelpName = "FOLDER",
        });
        Option<string?> atOnce = Add(command, new Option<string?>("--at-once")
        {
            Description = "Cells that are run at a time, each with its share of the threads; the results are the same [1].", HelpName = "N",
        });
        Option<bool> own = Add(command, new Option<bool>("--own-experts")
        {
            Description = "Train each method's experts, and whiten its data, as its authors did, and not all alike.",
        });
        Option<string?> run = AddRun(command), part = AddPart(command, "cells");
        return at =>
        {
            at.RequireImages();
            RunCommands runs = at.Runs(Name, at.Choice(run, part));
            int places = at.Value(atOnce) is { } text ? OptionText.Whole("--at-once", text, 1, MostAtOnce) : 1;
            if (at.Value(resume) is { } folder)
            {
                RequireNoOther(at.Result, command, [resume, atOnce, part]);
                runs.ResumeBenchmark(folder, at.Resolve(), places);
                return;
            }
            runs.Benchmark(new GridSettings(at.Grid(preset, at.Value(own))), Methods(at.Value(methods)), Seeds(at.Value(seeds)), places);
        };
    }

    // What a benchmark is made of was decided when it began.
    private static void RequireNoOther(ParseResult result, Command command, Option[] own)
    {
        HashSet<Option> allowed =
        [
            .. own,
            .. Named("Data", "ExpertsFrom", "StartFrom", "LabelFrom", "Device", "Threads", "MemoryLimit").Select(s => s.Option),
        ];
        Option? other = command.Options
            .FirstOrDefault(o => !o.Recursive && !allowed.Contains(o) && result.GetResult(o) is { Implicit: false });
        if (other is not null)
        {
            throw DistillException.BadValue(
                other.Name, string.Join(' ', result.GetResult(other)!.Tokens.Select(t => t.Value)),
                "nothing beside --resume: settings stay as they are. To add methods or seeds, give the command of the benchmark with --out " +
                "naming its folder");
        }
    }

    private static Option<string[]> Many(string name, string hint, string help) => new(name)
    {
        Description = help, HelpName = hint, Arity = ArgumentArity.OneOrMore, AllowMultipleArgumentsPerToken = true,
    };

    private static IReadOnlyList<string> Methods(string[]? given)
    {
        IReadOnlyList<string> known = Kinds.Names<DistillationMethod>();
        return given is { Length: > 0 } ? [.. given.Select(m => OptionText.OneOf("--methods", m, known)).Distinct(StringComparer.Ordinal)] : known;
    }

    private static ulong[] Seeds(string[]? given) => given is not { Length: > 0 }
        ? [0]
        : [.. given.Select(s => ulong.TryParse(s, NumberStyles.None, CultureInfo.InvariantCulture, out ulong seed)
            ? seed
            : throw DistillException.BadValue("--seeds", s, "whole numbers from 0")).Distinct()];
}
