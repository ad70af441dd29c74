using System.Collections.Immutable;
using InfMatch.Datasets;
using InfMatch.Distill;
using InfMatch.Tensors;

namespace InfMatch.Tests.Distill;

/// <summary>Runs the program inside the test, on a data set of 8×8 images that is learned in no time.</summary>
internal sealed class CommandRun : IDisposable
{
    public const int TrainPerClass = 24, TestPerClass = 10, Side = 8;

    private static readonly ImmutableArray<string> s_classes = ["left", "right", "top"];

    public CommandRun() => Directory.CreateDirectory(Folder);

    public string Folder { get; } = Path.Combine(Path.GetTempPath(), $"infmatch-{Guid.NewGuid():N}");

    public string Runs => Path.Combine(Folder, "runs");

    public string Output { get; private set; } = "";

    public string Errors { get; private set; } = "";

    /// <summary>The only run folder below <see cref="Runs"/>, apart from those of evaluations.</summary>
    public string RunPath => Assert.Single(
        Directory.GetDirectories(Runs),
        d => File.Exists(Path.Combine(d, "config.json")) && !File.Exists(Path.Combine(d, EvaluationRecord.FileName)));

    /// <summary>The latest evaluation's folder below <see cref="Runs"/>.</summary>
    public string EvaluationPath => Directory.GetDirectories(Runs)
        .Where(d => File.Exists(Path.Combine(d, EvaluationRecord.FileName))).MaxBy(Directory.GetCreationTimeUtc)!;

    /// <summary>A distillation of a few small steps.</summary>
    public static string[] SmallRun(params string[] more) =>
    [
        "distill", "--dataset", "tiny", "--ipc", "1", "2", "--iterations", "6", "--width", "4", "--depth", "2", "--experts", "2",
        "--expert-epochs", "2", "--expert-batch", "16", "--checkpoints", "4", "--window", "2", "--start-first", "2",
        "--start-last", "4", "--real-batch", "8", "--lr-img", "1", "--lr-label", "1", "--epochs", "4", "--repeats", "2",
        "--eval-width", "4", "--augment", "none", "--match-augment", "auto", "--evaluate-every", "3", "--save-every", "2",
        "--threshold", "10", "--rate-schedule", "constant", .. more,
    ];

    /// <summary>The small run with some options replaced by others or added.</summary>
    public static string[] SmallRunWith(string options)
    {
        List<string> args = [.. SmallRun()];
        string[] words = options.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        for (int i = 0; i < words.Length; i += 2)
        {
            int at = args.IndexOf(words[i]);
            if (at >= 0)
            {
                args.RemoveAt(at);
                while (at < args.Count && !args[at].StartsWith("--", StringComparison.Ordinal))
                    args.RemoveAt(at);
            }
            args.AddRange([words[i], words[i + 1]]);
        }
        return [.. args];
    }

    public static DatasetPair TinyData() => TinyData(s_classes);

    /// <summary>The data with other names of its classes, as many.</summary>
    public static DatasetPair TinyData(ImmutableArray<string> classes)
    {
        var standardisation = new Standardisation([0.5f], [0.25f]);
        return new DatasetPair("tiny", Half("train", TrainPerClass), Half("test", TestPerClass));

        ImageDataset Half(string half, int perClass)
        {
            var pixels = new byte[s_classes.Length * perClass * Side * Side];
            var labels = new byte[s_classes.Length * perClass];
            RandomKey key = RandomKey.FromSeed(7).Split(half);
            for (int i = 0; i < labels.Length; i++)
            {
                labels[i] = (byte)(i % s_classes.Length);
                for (int p = 0; p < Side * Side; p++)
                {
                    bool bright = labels[i] switch { 0 => p % Side < 4, 1 => p % Side >= 4, _ => p / Side < 4 };
                    pixels[i * Side * Side + p] = (byte)((bright ? 140 : 40) + key.Below(80, i * Side * Side + p));
                }
            }
            return new ImageDataset(
                new DatasetTraits($"tiny {half}", classes, standardisation), new Shape(1, Side, Side), [.. pixels], [.. labels]);
        }
    }

    /// <summary>Runs with --out set and returns the exit code.</summary>
    public int Run(params string[] args) => Run(Interruption.Silent(), args);

    public int Run(Interruption interruption, params string[] args) => RunAsGiven(interruption, [.. args, "--out", Runs]);

    public int RunAsGiven(Interruption interruption, params string[] args)
    {
        using (interruption)
        {
            using StringWriter output = new(), errors = new WatchingWriter(OnLine);
            void OnLine(string line)
            {
                if (InterruptAt is not null && line.Contains(InterruptAt, StringComparison.Ordinal))
                    interruption.Interrupt();
                if (CopyAt is not null && !Directory.Exists(CopiedRun) && line.StartsWith(CopyAt, StringComparison.Ordinal))
                    Copy(RunPath, CopiedRun);
            }
            int code = CommandTree.Run(
                args,
                new Terminal(output, errors, isInteractive: false)
                {
                    ProgressInterval = CopyAt is null && !ShowsAll ? PlainProgress.DefaultInterval : TimeSpan.Zero,
                },
                interruption,
                LoadsItself ? null : (name, folder) => name == Data.Name ? Data : DatasetCatalog.Load(name, folder));
            (Output, Errors) = (output.ToString(), errors.ToString());
            return code;
        }
    }

    /// <summary>Interrupts as soon as a line for people contains this text.</summary>
    public string? InterruptAt { get; set; }

    /// <summary>Has every report of progress as a line.</summary>
    public bool ShowsAll { get; init; }

    /// <summary>The set that is loaded under its name.</summary>
    public DatasetPair Data { get; set; } = TinyData();

    /// <summary>Lets the program load data as it does for a person, and not the set of these tests.</summary>
    public bool LoadsItself { get; init; }

    /// <summary>The names of the classes.</summary>
    public ImmutableArray<string> Classes { get; init; } = s_classes;

    /// <summary>Copies the run folder to <see cref="CopiedRun"/> as soon as a line for people begins with this text.
    /// </summary>
    public string? CopyAt { get; init; }

    /// <summary>The copy.</summary>
    public string CopiedRun => Path.Combine(Folder, "copy");

    public void Dispose() => Directory.Delete(Folder, recursive: true);

    internal static void Copy(string from, string to)
    {
        Directory.CreateDirectory(to);
        foreach (string file in Directory.GetFiles(from).Where(f => !f.EndsWith(".lock", StringComparison.Ordinal)))
        {
            using FileStream source = new(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
            using FileStream target = File.Create(Path.Combine(to, Path.GetFileName(file)));
            source.CopyTo(target);
        }
        foreach (string folder in Directory.GetDirectories(from))
            Copy(folder, Path.Combine(to, Path.GetFileName(folder)));
    }

    private sealed class WatchingWriter(Action<string> onLine) : StringWriter
    {
        public override void WriteLine(string? value)
        {
            base.WriteLine(value);
            onLine(value ?? "");
        }
    }
}
