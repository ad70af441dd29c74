using InfMatch.Datasets;
using InfMatch.Distill;
using InfMatch.Methods;
using InfMatch.Tensors;
using InfMatch.Tests.Methods;

namespace InfMatch.Tests.Distill;

/// <summary>Distillations by several ranks, which are threads here; eng/check-ranks has them under real launchers.</summary>
public sealed class RankTests
{
    private const string Small =
        "--ipc 1 --iterations 6 --windows 3 --experts 1 --expert-epochs 1 --evaluate-every 0 --repeats 1 --epochs 1 --threads 1";

    [Theory]
    [InlineData("", null, 0)]
    [InlineData("OMPI_COMM_WORLD_SIZE=1", null, 0)]
    [InlineData("OMPI_COMM_WORLD_SIZE=4", "OpenMPI", 4)]
    [InlineData("OMPI_COMM_WORLD_SIZE=4 INFMATCH_MPI=none", null, 0)]
    [InlineData("PMI_SIZE=2", "MPICH", 2)]
    [InlineData("SLURM_STEP_NUM_TASKS=8", "srun", 8)]
    [InlineData("SLURM_NTASKS=8", null, 0)] // the script of a job that has started nothing yet
    [InlineData("OMPI_COMM_WORLD_SIZE=many", null, 0)]
    public void A_launcher_of_several_processes_is_found_in_the_environment(string environment, string? name, int size)
    {
        Dictionary<string, string> variables = environment.Split(' ', StringSplitOptions.RemoveEmptyEntries)
            .ToDictionary(word => word.Split('=')[0], word => word.Split('=')[1], StringComparer.Ordinal);
        Launcher? found = Launcher.Find(variables.GetValueOrDefault);
        Assert.Equal(size, found?.Size ?? 0);
        if (name is not null)
            Assert.Contains(name, found!.Name, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("distill --windows 2", true)]
    [InlineData("resume runs/a", true)]
    [InlineData("", true)] // the demonstration: each process made all of it
    [InlineData("--threads 1", true)]
    [InlineData("--quiet distill --windows 2", true)]
    [InlineData("@FILE", true)]
    [InlineData("evaluate distill", false)]
    [InlineData("influence validate", false)]
    [InlineData("train --part 0/2", false)]
    public void A_command_that_ranks_do_together_is_found_wherever_it_stands(string words, bool takes)
    {
        using var run = new CommandRun();
        string file = Path.Combine(run.Folder, "line");
        File.WriteAllText(file, "distill\n--windows 2\n");
        string[] args = words.Replace("FILE", file, StringComparison.Ordinal).Split(' ', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(takes, CommandTree.TakesRanks(args));
    }

    [Fact]
    public void The_processors_of_a_rank_are_read_from_the_system() => Assert.Equal(
        "0-1,4", RankFacts.ProcessorsOf(["Name:\tdotnet", "Cpus_allowed:\t13", "Cpus_allowed_list:\t0-1,4", "Mems_allowed:\t1"]));

    [Fact]
    public void Ranks_of_a_machine_take_in_turn_the_devices_of_one_model()
    {
        PresentDevice[] present = [new Card("cuda:0", "big"), new Card("cuda:1", "small"), new Card("cuda:2", "big")];
        Assert.Equal(
            ["cuda:0", "cuda:2", "cuda:0"],
            Enumerable.Range(0, 3).Select(local => RankGroup.DeviceOf("cuda", present, local)), StringComparer.Ordinal);
        Assert.Equal("cuda", RankGroup.DeviceOf("cuda", [], 1));
    }

    [Fact]
    public void A_machine_shares_its_processors_and_its_memory_out_among_its_ranks()
    {
        RunSettings settings = Presets.Standard with { Device = "cpu", Threads = 0 };
        RunSettings[] adapted = [.. ThreadRanks.Run(2, own => Group(own).Adapt(settings)).Select(rank => rank.Result!)];
        Assert.All(adapted, one => Assert.Equal(Math.Max(1, Environment.ProcessorCount / 2), one.Threads));
        Assert.All(adapted, one => Assert.InRange(
            ByteSize.Limit(one.MemoryLimit), 1, GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / 2));
        Assert.Equal(7, ThreadRanks.Run(2, own => Group(own).Adapt(settings with { Threads = 7 })).First().Result!.Threads);
        Assert.Same(settings, RankGroup.Alone.Adapt(settings));
    }

    [Fact]
    public void A_run_by_several_ranks_has_the_set_of_one_process_and_rank_0_alone_writes_and_prints()
    {
        using var alone = new CommandRun();
        Assert.Equal(0, alone.Run(CommandRun.SmallRunWith(Small)));
        using var shared = new CommandRun();
        Ended[] ranks = Run(3, shared, CommandRun.SmallRunWith(Small));
        Assert.All(ranks, rank => Assert.True(rank.Code == 0, ranks[0].Errors));
        Assert.Equal(HashIn(alone.RunPath), HashIn(shared.RunPath));
        Assert.All(ranks[1..], rank => Assert.Equal(("", ""), (rank.Output, rank.Errors)));
        Assert.Contains("Ranks: 3 on one machine, 3 windows an update", ranks[0].Errors, StringComparison.Ordinal);
        Assert.Contains("\"ranks\": 3", File.ReadAllText(Path.Combine(shared.RunPath, "environment.json")), StringComparison.Ordinal);
        Assert.DoesNotContain("ranks", File.ReadAllText(Path.Combine(alone.RunPath, "environment.json")), StringComparison.Ordinal);
    }

    [Fact]
    public void A_stopped_run_goes_on_with_another_number_of_ranks()
    {
        using var alone = new CommandRun();
        Assert.Equal(0, alone.Run(CommandRun.SmallRunWith(Small)));
        using var shared = new CommandRun();
        Ended[] ranks = Run(2, shared, CommandRun.SmallRunWith(Small), interruptAt: "distilling: 3/6");
        Assert.All(ranks, rank => Assert.Equal(130, rank.Code));
        Assert.Contains("Continue with:", ranks[0].Errors, StringComparison.Ordinal);
        ranks = Run(3, shared, ["resume", shared.RunPath]);
        Assert.All(ranks, rank => Assert.True(rank.Code == 0, ranks[0].Errors));
        Assert.DoesNotContain("the machine or the build", ranks[0].Errors, StringComparison.Ordinal);
        Assert.Equal(HashIn(alone.RunPath), HashIn(shared.RunPath));
    }

    // The row of the similarity alone is distilled by rank 0 alone.
    [Fact]
    public void A_run_on_pairs_by_several_ranks_has_the_set_of_one_process()
    {
        string[] small =
        [
            "distill", "--dataset", "pairs-demo", "--pairs", "6", "--iterations", "3", "--experts", "1", "--expert-epochs", "1",
            "--checkpoints", "4", "--window", "2", "--head-size", "4", "--epochs", "1", "--repeats", "1", "--full-epochs", "1",
            "--evaluate-every", "0", "--threshold", "10", "--probe-every", "0", "--windows", "2", "--pair-loss", "wbce", "--similarity-rank", "2", "--batch-syn", "3",
        ];
        using var alone = new CommandRun { LoadsItself = true };
        Assert.True(alone.Run(small) == 0, alone.Errors);
        using var shared = new CommandRun();
        Ended[] ranks = Run(2, shared, small);
        Assert.All(ranks, rank => Assert.True(rank.Code == 0, ranks[0].Errors));
        RetrievalResult[] results = [.. new[] { alone, shared }.Select(run =>
            Assert.Single(RetrievalSummary.Read(Path.Combine(run.RunPath, RetrievalSummary.FileName)).Results))];
        Assert.Equal(results[0].SetHash, results[1].SetHash);
        Assert.Equal(results[0].Rows.Select(row => row.Mean), results[1].Rows.Select(row => row.Mean));
    }

    [Theory]
    [InlineData("--windows 2", 3, 2, "IM2050")]
    [InlineData("--windows 1", 2, 2, "IM2050")]
    [InlineData("--method dm --lr-img 1", 2, 2, "no value for --method dm")]
    [InlineData("--lr-img 1e30", 2, 6, "IM6001")]
    public void All_ranks_end_with_the_exit_code_of_one_process_and_one_of_them_says_why(string options, int count, int code, string says)
    {
        using var run = new CommandRun();
        Ended[] ranks = Run(count, run, CommandRun.SmallRunWith($"{Small} {options}"));
        Assert.All(ranks, rank => Assert.Equal(code, rank.Code));
        Assert.Contains(says, ranks[0].Errors, StringComparison.Ordinal);
        Assert.All(ranks[1..], rank => Assert.Equal("", rank.Errors));
    }

    [Fact]
    public void An_error_of_one_rank_ends_all_with_its_exit_code()
    {
        using var run = new CommandRun();
        Ended[] ranks = Run(3, run, CommandRun.SmallRunWith(Small), failing: 2);
        Assert.All(ranks, rank => Assert.Equal(3, rank.Code));
        Assert.Contains("rank 2: ", ranks[0].Errors, StringComparison.Ordinal);
        Assert.Contains("are gone here", ranks[0].Errors, StringComparison.Ordinal);
        Assert.Contains("Continue with:", ranks[0].Errors, StringComparison.Ordinal);
    }

    [Theory, InlineData("build"), InlineData("vector width"), InlineData("command line")]
    public void Ranks_that_are_not_alike_are_refused(string what)
    {
        (RankGroup? Group, Exception? Error)[] ranks = ThreadRanks.Run(2, own => RankGroup.Meet(
            new LockStep(own),
            RankFacts.Here([]) with
            {
                Alike = [.. RankFacts.Here([]).Alike.Select(a => a[0] == what && own.Own == 1 ? [a[0], "another"] : a)],
            }));
        DistillException refused = Assert.IsType<DistillException>(ranks[0].Error);
        Assert.Equal((ExitCode.Usage, "IM2052"), (refused.ExitCode, refused.Code));
        Assert.Contains($"{what} of rank 1", refused.Message, StringComparison.Ordinal);
        Assert.Equal(2, Assert.IsType<OtherRankException>(ranks[1].Error).Code);
    }

    private static RankGroup Group(IRanks own) => RankGroup.Meet(new LockStep(own), RankFacts.Here([]));

    private static string HashIn(string run) => Summary.Read(Path.Combine(run, "summary.json")).Results[0].SetHash!;

    // The last rank is interrupted as soon as rank 0 prints a text.
    private static Ended[] Run(int count, CommandRun run, string[] args, int failing = -1, string? interruptAt = null)
    {
        Interruption[] interruptions = [.. Enumerable.Range(0, count).Select(_ => Interruption.Silent())];
        (Ended? Result, Exception? Error)[] ranks = ThreadRanks.Run(count, own =>
        {
            using Interruption interruption = interruptions[own.Own];
            var group = RankGroup.Meet(new LockStep(own, interruption.Token), RankFacts.Here([]));
            using StringWriter output = new(), errors = new Watching(interruptAt, interruptions[^1].Interrupt);
            Terminal terminal = own.Own == 0
                ? new Terminal(output, errors, isInteractive: false) { ProgressInterval = TimeSpan.Zero }
                : new Terminal(TextWriter.Null, TextWriter.Null, isInteractive: false);
            int code = CommandTree.Run(
                args[0] == "resume" ? args : [.. args, "--out", run.Runs], terminal, interruption,
                (_, _) => own.Own == failing
                    ? throw new DatasetException(DatasetFault.NotFound, "the data", "are gone here")
                    : CommandRun.TinyData(),
                group);
            return new Ended(code, output.ToString(), errors.ToString());
        });
        Assert.All(ranks, rank => Assert.Null(rank.Error));
        return [.. ranks.Select(rank => rank.Result!)];
    }

    private sealed class Watching(string? text, Action seen) : StringWriter
    {
        public override void WriteLine(string? value)
        {
            base.WriteLine(value);
            if (text is not null && value?.Contains(text, StringComparison.Ordinal) == true)
                seen();
        }
    }

    private sealed record Ended(int Code, string Output, string Errors);

    private sealed record Card(string Specification, string Name) : PresentDevice(Specification, Name, IsGpu: true)
    {
        public override string? Refusal => null;

        public override string Identity => Name;

        public override bool Has(Precision precision) => true;
    }
}
