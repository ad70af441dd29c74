using InfMatch.Datasets;
using InfMatch.Tensors.IO;

namespace InfMatch.Distill;

internal sealed partial class ReportCommands
{
    /// <summary>The page at the end of a run on image-text pairs. That it cannot be written is said and does not undo what is
    /// done.</summary>
    /// <param name="folder">The run.</param>
    /// <param name="splits">Its data.</param>
    public void WriteAtEnd(RunFiles folder, PairSplits splits) => WriteAtEnd(
        // Also after an interruption, which has ended what takes long.
        folder, run => WithNeighbours(new ReportSource([run]), () => splits, CancellationToken.None));

    private void WriteAtEnd(RunFiles folder, Func<RecordedRun, ReportSource> sourceOf)
    {
        try
        {
            ReportPage.Write(folder.Report, sourceOf(RecordedRun.Read(folder.Path)));
            terminal.ShowUnbroken($"Report:   {ShownPath.Of(folder.Report)}");
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            terminal.Say(
                $"The page about this run could not be written; the run itself is as it is. {e.Message} Try again: " +
                $"{ShellWord.Program} report {ShellWord.OfPath(ShownPath.Of(folder.Path))}");
        }
    }

    private static ReportSource WithNeighbours(ReportSource source, Func<PairSplits> open, CancellationToken cancel)
    {
        source = source with { Neighbours = NeighbourStudy.Kept(source.Run) };
        if (source.Neighbours is not null || !NeighbourStudy.HasSets(source.Run))
            return source;
        try
        {
            return source with { Neighbours = NeighbourStudy.Make(source.Run, open(), cancel) };
        }
        catch (Exception e) when (e is DistillException or DatasetException or ArrayFileException or IOException
            or UnauthorizedAccessException)
        {
            return source with { WhyNoNeighbours = e.Message };
        }
    }

    private PairSplits OpenPairs(RecordedRun run, ResolvedSettings given)
    {
        if (run.Settings is not { } own)
            throw new DistillException(ExitCode.Usage, "IM2031", "the configuration cannot be read, so the data are not known.");
        return new DatasetLoading(terminal, cancel).LoadPairs(
            PairCatalog.Of(own.Dataset), given.IsOnCommandLine("Data") ? given.Settings.Data : own.Data, imageSize: null);
    }

    private static void RequireOneTask(RecordedRun[] runs)
    {
        if (runs.FirstOrDefault(run => run.IsOfPairs != runs[0].IsOfPairs) is { } other)
        {
            throw new DistillException(
                ExitCode.Usage, "IM2047",
                $"{ShownPath.Of(other.Files.Path)} is {Words(other)} and {ShownPath.Of(runs[0].Files.Path)} {Words(runs[0])}: their " +
                "tables have no number in common. Name runs of one kind.");
        }

        static string Words(RecordedRun run) => run.IsOfPairs ? "a run on image-text pairs" : "a run on classified images";
    }

    private static ResultTable TableOfPairs(RecordedRun[] runs)
    {
        IReadOnlyList<string> rows = PairComparison.RowNames(runs);
        var table = new ResultTable(PairComparison.Heading, 2, ["run", "method", "pairs", .. rows, "verdict", "seconds"])
        {
            Optional = ["method", .. rows.Where(name => name is not (PairRows.Distilled or PairSettings.Random)).Reverse()],
        };
        foreach ((int _, string letter, RecordedRun run, RetrievalResult result) in PairComparison.Results(runs))
        {
            table.Add(
            [
                letter, PairComparison.MethodOf(run, result), $"{result.Pairs}",
                .. rows.Select(name => result.Row(name) is { } row ? RetrievalRow.Cell(row.Mean) : "-"),
                result.Verdict?.Word ?? "-", FormattableString.Invariant($"{run.Retrieval!.Seconds:F0}"),
            ]);
        }
        return table;
    }
}
