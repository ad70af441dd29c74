using System.Globalization;
using System.Text;
using InfMatch.Methods;
using InfMatch.Tensors;

namespace InfMatch.Distill;

/// <summary>The processes that a launcher of MPI started for one distillation, and the place of this one among them. A process that
/// was started by itself is a group of one, loads no library and pays nothing.</summary>
internal sealed class RankGroup
{
    // After a failure the others come at the end of what they compute; then the processes are ended from here.
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);

    private readonly MpiLibrary? _library;
    private readonly RankFacts[] _all;

    private RankGroup(LockStep step, MpiLibrary? library, RankFacts[] all) => (Step, _library, _all) = (step, library, all);

    /// <summary>A process that works alone.</summary>
    public static RankGroup Alone { get; } = new(LockStep.Alone, null, [new RankFacts("", "", [])]);

    /// <summary>What the ranks do together.</summary>
    public LockStep Step { get; }

    /// <summary>How many there are.</summary>
    public int Count => Step.Count;

    /// <summary>Whether there are several.</summary>
    public bool IsShared => Count > 1;

    /// <summary>How many of them are on this machine.</summary>
    public int LocalCount => _all.Count(rank => rank.Host == _all[Step.Own].Host);

    /// <summary>Which of those this is, from 0.</summary>
    public int LocalRank => _all.Take(Step.Own).Count(rank => rank.Host == _all[Step.Own].Host);

    /// <summary>On how many machines they are.</summary>
    public int Hosts => _all.Select(rank => rank.Host).Distinct(StringComparer.Ordinal).Count();

    /// <summary>Threads for this rank: an equal part of the processors that it may use together with others of this machine.</summary>
    public int Threads => Math.Max(1, Environment.ProcessorCount / _all.Count(
        rank => rank.Host == _all[Step.Own].Host && rank.Processors == _all[Step.Own].Processors));

    /// <summary>Where this rank writes: rank 0 in plain lines, which a launcher carries to its own terminal, and others nowhere.</summary>
    public Terminal MakeTerminal() => !IsShared
        ? new Terminal(Console.Out, Console.Error, !Console.IsErrorRedirected, !Console.IsOutputRedirected)
        : Step.IsFirst ? PlainTerminal() : new Terminal(TextWriter.Null, TextWriter.Null, isInteractive: false);

    /// <summary>One that never takes what it writes to for a terminal, whatever a launcher gives its processes.</summary>
    public static Terminal PlainTerminal() => new(
        new StreamWriter(Console.OpenStandardOutput()) { AutoFlush = true },
        new StreamWriter(Console.OpenStandardError()) { AutoFlush = true },
        isInteractive: false);

    /// <summary>Joins the processes that a launcher started together with this one.</summary>
    /// <param name="launcher">The launcher.</param>
    /// <param name="args">The command line, which all must have.</param>
    /// <param name="cancel">Stops all ranks.</param>
    /// <exception cref="DistillException">No library of MPI can be loaded, it is not that of the launcher, or the ranks are not of one
    /// build, one kind of processor or one command line.</exception>
    public static RankGroup Join(Launcher launcher, string[] args, CancellationToken cancel)
    {
        // A launcher gives its processes a terminal, into which .NET would write codes at the first colour.
        Environment.SetEnvironmentVariable("TERM", "dumb");
        var library = MpiLibrary.Load(launcher, Environment.GetEnvironmentVariable(Launcher.LibraryVariable));
        library.Init();
        if (library.Size is var joined && joined != launcher.Size)
        {
            library.Complete(); // after which it answers nothing
            throw OtherLauncher(launcher, library, joined);
        }
        return Meet(new LockStep(new MpiRanks(library), cancel), RankFacts.Here(args), library);
    }

    /// <summary>The group of ranks that can gather already.</summary>
    /// <param name="step">What they do together.</param>
    /// <param name="own">What this one tells of itself.</param>
    /// <param name="library">What joined them; null for threads of one process.</param>
    /// <exception cref="DistillException">They are not alike; rank 0 says so.</exception>
    /// <exception cref="OtherRankException">The same, for the others.</exception>
    public static RankGroup Meet(LockStep step, RankFacts own, MpiLibrary? library = null)
    {
        RankFacts[] all;
        try
        {
            all = [.. step.Gather(own.Encode()).Select(RankFacts.Decode)];
        }
        catch (OperationCanceledException)
        {
            library?.Complete();
            throw;
        }
        var group = new RankGroup(step, library, all);
        for (int rank = 1; rank < all.Length; rank++)
        {
            if (all[0].DifferenceTo(all[rank]) is not { } difference)
                continue;
            DistillException refused = Different(rank, all[rank].Host, all[0].Host, difference);
            group.End(refused);
            throw step.IsFirst ? refused : new OtherRankException(0, (int)refused.ExitCode, refused.Message);
        }
        return group;
    }

    /// <summary>Refuses ranks of which one would compute with other settings, in another precision, or on another kind of
    /// device.</summary>
    /// <param name="settings">The hash of the settings.</param>
    /// <param name="backend">What this rank computes on.</param>
    /// <exception cref="DistillException">One would.</exception>
    public void RequireSame(string settings, Backend backend)
    {
        if (!IsShared)
            return;
        // Of cuda:1 and its model the number is a rank's own.
        string kind = backend.Name.Split(':')[0], model = backend is GpuBackend ? backend.Description[backend.Name.Length..].Trim() : "";
        (string Name, string Value)[] own =
            [("settings", settings), ("device", $"{kind} {model}".Trim()), ("precision", $"{backend.Precision}")];
        byte[] sent = Encoding.UTF8.GetBytes(string.Join('\n', own.Select(o => o.Value)));
        string[][] all = [.. Step.Gather(sent).Select(bytes => Encoding.UTF8.GetString(bytes).Split('\n'))];
        for (int rank = 1; rank < all.Length; rank++)
        {
            for (int i = 0; i < own.Length; i++)
            {
                if (all[rank][i] != all[0][i])
                    throw Different(rank, _all[rank].Host, _all[0].Host, (own[i].Name, all[rank][i], all[0][i]));
            }
        }
    }

    /// <summary>Refuses more ranks than an update has windows: one would have nothing to compute.</summary>
    /// <exception cref="DistillException">There are more.</exception>
    public void RequireWindows(RunSettings settings)
    {
        if (!IsShared)
            return;
        if (!settings.MethodKind.Settings.Contains(WindowMean.Windows))
        {
            throw new DistillException(
                ExitCode.Usage, "IM2050",
                $"{Count} ranks were started, but an update of --method {settings.MethodName} is in one piece and cannot be shared out. " +
                "Start it without a launcher of MPI, or take a method that has --windows.");
        }
        int windows = WindowMean.Windows.Of(settings.OfMethod);
        if (windows < Count)
        {
            throw new DistillException(
                ExitCode.Usage, "IM2050",
                $"--windows is {windows}, but {Count} ranks were started, and each computes at least one window of an update. Start " +
                $"{windows} at most, or begin a new run with --windows {Count} or a multiple of it.");
        }
    }

    /// <summary>Settings as this rank takes them: of several on a machine each has its share of the processors and of the memory, or a
    /// device of its own.</summary>
    public RunSettings Adapt(RunSettings settings)
    {
        if (!IsShared)
            return settings;
        if (settings.Device.Contains(':', StringComparison.Ordinal))
            return settings;
        Precision precision = Precisions.Named(settings.Precision ?? Precisions.Names[0]);
        string? gpu = settings.Device == "auto"
            ? Devices.Choose(StepTimeFile.OfUser, precision).Best?.Device.Specification.Split(':')[0]
            : Kinds.Find<DeviceKind>(settings.Device) is { Noun: not null } kind ? kind.Name : null;
        if (gpu is not null)
            return settings with { Device = DeviceOf(gpu, Kinds.Find<DeviceKind>(gpu)!.Present(), LocalRank) };
        return settings with
        {
            Threads = settings.Threads == 0 ? Threads : settings.Threads,
            MemoryLimit = settings.MemoryLimit ?? (LocalCount == 1
                ? null
                : $"{(GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / LocalCount >> 20).ToString(CultureInfo.InvariantCulture)}MiB"),
        };
    }

    /// <summary>The device of a rank: ranks of a machine take in turn those that are of the model of the first, since others would
    /// give other bits.</summary>
    /// <param name="kind">The kind of device.</param>
    /// <param name="present">Those of the machine.</param>
    /// <param name="localRank">Which rank of the machine it is.</param>
    public static string DeviceOf(string kind, IReadOnlyList<PresentDevice> present, int localRank)
    {
        PresentDevice[] alike = [.. present.Where(device => device.Name == present[0].Name)];
        return alike.Length == 0 ? kind : alike[localRank % alike.Length].Specification;
    }

    /// <summary>The settings whose updates are the share of one rank, for estimates of time.</summary>
    public RunSettings ShareOf(RunSettings settings)
    {
        int windows = WindowMean.CountOf(settings.MethodKind, settings.OfMethod);
        return windows == 1 || !IsShared ? settings : settings with
        {
            OfMethod = settings.OfMethod.With(WindowMean.Windows, ((windows + Count - 1) / Count).ToString(CultureInfo.InvariantCulture)),
        };
    }

    /// <summary>One line for people: "Ranks: 4 on 2 machines, 8 windows an update, 2 threads each.".</summary>
    public string Describe(RunSettings settings, Backend backend)
    {
        string machines = Hosts == 1 ? "one machine" : $"{Hosts} machines";
        string threads = backend is CpuBackend cpu ? $", {cpu.Threads} {(cpu.Threads == 1 ? "thread" : "threads")} each" : "";
        return $"Ranks: {Count} on {machines}, {WindowMean.CountOf(settings.MethodKind, settings.OfMethod)} windows an update{threads}.";
    }

    /// <summary>Ends this rank together with the others.</summary>
    /// <param name="error">What ended its work; null where it is done.</param>
    /// <returns>The error by which another rank ended this one; null where there is none, or it is this rank's own.</returns>
    public Exception? End(Exception? error)
    {
        if (!IsShared)
            return null;
        try
        {
            Step.End(
                error is null ? 0 : (int)Failure.CodeOf(error), error is null ? "" : Failure.Say(error),
                error is OperationCanceledException, error is null or OperationCanceledException ? null : s_patience);
            _library?.Complete();
            return null;
        }
        catch (TimeoutException)
        {
            PlainTerminal().SayLines(
                $"rank {Step.Own} on {_all[Step.Own].Host}: {Failure.Say(error!)}\n" +
                $"The others did not answer in {s_patience.TotalSeconds:F0} s and are ended.");
            _library?.Abort((int)Failure.CodeOf(error!));
            return null;
        }
        catch (Exception other) when (other is OtherRankException or OperationCanceledException)
        {
            _library?.Complete();
            return error is null ? other : null;
        }
    }

    private static DistillException OtherLauncher(Launcher launcher, MpiLibrary library, int joined) => new(
        ExitCode.Usage, "IM2051",
        $"{launcher.Name} started {launcher.Size} processes, but {library.Name} ({library.File}) has joined {joined}: each process would " +
        $"make the whole run by itself. Start it with the mpirun of {library.Name}, with srun --mpi=pmix, or name the library of the " +
        $"launcher with {Launcher.LibraryVariable}=/path/to/libmpi.so.");

    private static DistillException Different(int rank, string host, string first, (string Name, string Got, string Expected) what) => new(
        ExitCode.Usage, "IM2052",
        $"the ranks are not alike: {what.Name} of rank {rank} on {host} is \"{what.Got}\", expected \"{what.Expected}\" as of rank 0 on " +
        $"{first}. Their bits would differ. Give all ranks the same program, the same command line and the same kind of processor or device.");
}
