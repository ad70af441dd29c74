using System.Xml.Linq;

namespace InfMatch.Distill;

/// <summary>The commands that make the run again.</summary>
internal sealed class ReproduceSection : ReportSection
{
    /// <inheritdoc/>
    public override string Name => "reproduce";

    /// <inheritdoc/>
    public override string Title => "How to reproduce";

    /// <inheritdoc/>
    public override int Place => 10;

    /// <inheritdoc/>
    public override IEnumerable<XElement> Content(ReportSource source)
    {
        RecordedRun run = source.Run;
        if (run.Resolved is not { } resolved)
        {
            yield return Html.Missing("The configuration cannot be read, so the command is not known.");
            yield break;
        }
        string commit = run.Commit ?? "unknown";
        yield return Html.Paragraph("In a clone of the repository, with the same data:");
        yield return Html.Of("ol", Html.Class("commands"), Commands(run, resolved, commit).Select(c => Html.Of("li", Html.Code(c))));
        string unit = run.IsOfPairs ? "pairs" : "per class";
        string[] hashes = [.. run.Sets.Where(s => s.Hash is not null).Select(s => $"{s.Size} {unit} {s.Hash}")];
        if (run.Evaluation is null && hashes.Length > 0)
        {
            yield return Html.Paragraph(
                "On the same processor, number type and build the sets are the same, bit for bit. Their hashes (",
                Html.Code($"grep setHash {(run.IsOfPairs ? RetrievalSummary.FileName : RunFiles.SummaryName)}"), "):");
            yield return Html.Of("ul", Html.Class("commands"), hashes.Select(h => Html.Of("li", Html.Code(h))));
        }
        if (run is { IsOfPairs: true, Data: { } data })
        {
            yield return Html.Paragraph("The data have these hashes:");
            yield return Html.Of(
                "ul", Html.Class("commands"), Html.Of("li", Html.Code($"training pairs {data.TrainSha256}")),
                Html.Of("li", Html.Code($"{run.Retrieval?.Split ?? run.Settings?.Split ?? PairSettings.Dev} pairs {data.TestSha256}")));
        }
    }

    private static IEnumerable<string> Commands(RecordedRun run, ResolvedSettings resolved, string commit)
    {
        if (commit != "unknown")
            yield return $"git checkout {commit}";
        yield return ShellWord.Program + (run.Command is "distill" or "ablate" ? DistillOf(run, resolved) : CommandOf(run, resolved));
        foreach (RecordedSet set in run.Sets.Where(set => run.Evaluation is null && set.IsMeasured))
        {
            string file = ShellWord.OfPath(ShownPath.Of(set.File));
            yield return $"{ShellWord.Program} verify {file}{ShellWord.Option("--data", resolved.Settings.Data)}";
        }
    }

    // A cell of a benchmark and a row of an ablation are runs that 'distill' makes, too.
    private static string DistillOf(RecordedRun run, ResolvedSettings resolved) => " distill" + (RepeatedOptions.Of(resolved) is { } found
        ? (found.Preset is { } preset ? $" --preset {preset}" : "") + Options(found.Settings, resolved.Settings)
        : ShellWord.Option(ConfigInput.FileOption, ShownPath.Of(run.Files.Config)));

    private static string CommandOf(RecordedRun run, ResolvedSettings resolved)
    {
        string preset = RepeatedOptions.PresetOf(resolved) ?? Presets.Usual;
        string command = run.Command == "demo" ? "" : $" {run.Command}";
        string set = run.Evaluation?.Set is { } path ? $" {ShellWord.OfPath(ShownPath.Of(path))}" : "";
        string models = run.Evaluation is { Models.Count: > 0 } evaluation ? $" --models {string.Join(',', evaluation.Models)}" : "";
        string ofPreset = run.Command == "demo" || preset == Presets.Usual ? "" : $" --preset {preset}";
        return $"{command}{set}{ofPreset}{Options(Settings.All.Where(s => RepeatedOptions.IsGiven(resolved, s)), resolved.Settings)}{models}";
    }

    private static string Options(IEnumerable<Setting> given, RunSettings settings) =>
        string.Concat(given.Select(s => $" {s.Name} {RepeatedOptions.Words(s, settings)}"));
}
