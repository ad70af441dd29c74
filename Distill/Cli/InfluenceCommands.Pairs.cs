using System.Globalization;
using System.Text.Json.Nodes;
using InfMatch.Datasets;
using InfMatch.Influence;
using InfMatch.Tensors;
using InfMatch.Tensors.IO;

namespace InfMatch.Distill;

internal sealed partial class InfluenceCommands
{
    // The file has whole captions.
    private const int PairsShown = 5, CaptionShown = 60, FewForRanks = 10;

    /// <summary>'influence pairs'.</summary>
    /// <exception cref="DistillException">There are too few pairs.</exception>
    public void Pairs(PairStudySettings asked)
    {
        RunSettings settings = asked.Settings;
        string folder = Path.Combine(settings.Out, FolderName);
        RunFolder.RequireWritable(folder);
        PairSplits splits = new DatasetLoading(terminal, cancel).LoadPairs(PairCatalog.Of(settings.Dataset), settings.Data, imageSize: null);
        string kept = Path.Combine(folder, $"pairs-{Guid.NewGuid():N}");
        Directory.CreateDirectory(kept);
        try
        {
            using PairData data = PairData.Load(splits, PairData.PartOf(settings), new CpuBackend(settings.Threads));
            PairInfluenceStudy study;
            IReadOnlyList<ScoredPair> pairs;
            using (IProgressView progress = terminal.MakeProgress())
            {
                study = new PairInfluenceStudy(asked, data, progress, cancel);
                pairs = study.Run(kept);
            }
            string file = Path.Combine(folder, $"pairs-{settings.Dataset}.csv");
            AtomicFile.WriteAllText(file, PairInfluenceStudy.Csv(pairs));
            Show(asked, study, pairs, file);
        }
        finally
        {
            Directory.Delete(kept, recursive: true);
        }
    }

    private void Show(PairStudySettings asked, PairInfluenceStudy study, IReadOnlyList<ScoredPair> pairs, string file)
    {
        static string Text(double v) => v.ToString("E1", CultureInfo.InvariantCulture);
        static string Cut(string caption) => caption.Length <= CaptionShown ? caption : $"{caption[..CaptionShown].TrimEnd()}…";
        ScoredPair[] order = [.. pairs.OrderBy(p => p.Whole)];
        int shown = Math.Min(PairsShown, order.Length / 2);
        var table = new ResultTable(
            $"What the weight of a pair does to the loss of {asked.Queries} others, {asked.Settings.Dataset}", 2,
            "image", "caption", "as positive", "as negative", "whole")
        {
            Optional = ["image"],
        };
        foreach (ScoredPair pair in order.Take(shown).Concat(order[^shown..]))
            table.Add(pair.Image, Cut(pair.Caption), Text(pair.AsPositive), Text(pair.AsNegative), Text(pair.Whole));
        terminal.Show(table);
        terminal.Show($"The {shown} most helpful pairs (negative) and the {shown} most harmful.");
        terminal.Show(string.Create(
            CultureInfo.InvariantCulture,
            $"Loss of the {asked.Queries} pairs: {study.Losses.Before:F3} before the training on {asked.Pairs} pairs, {study.Losses.After:F3} after {asked.Steps} steps."));
        ScoredPair[] left = [.. pairs.Where(p => !double.IsNaN(p.Retrained))];
        (double Whole, double Positive)? rank = left.Length < FewestRanked ? null : (Rank(p => p.Whole), Rank(p => p.AsPositive));
        if (rank is { } found)
        {
            terminal.Show(string.Create(
                CultureInfo.InvariantCulture,
                $"{left.Length} times the heads were trained again, {(asked.Share == 1 ? "without a pair" : $"with {100 * asked.Share:R} % less of a pair")}: rank " +
                $"correlation with the whole score {found.Whole:F2}, with the positive role alone {found.Positive:F2}.{(left.Length < FewForRanks ? $" From less than {FewForRanks} trainings it says little." : "")}"));
        }
        terminal.ShowUnbroken($"All pairs: {ShownPath.Of(file)}");
        if (terminal.IsJson)
        {
            terminal.Data.WriteLine(new JsonObject
            {
                ["dataset"] = asked.Settings.Dataset, ["pairs"] = asked.Pairs, ["steps"] = asked.Steps, ["batch"] = asked.Batch, ["rate"] = asked.Rate,
                ["queries"] = asked.Queries, ["retrained"] = left.Length, ["share"] = asked.Share, ["lossBefore"] = study.Losses.Before, ["lossAfter"] = study.Losses.After,
                ["rankCorrelation"] = rank?.Whole, ["rankCorrelationOfPositiveRole"] = rank?.Positive, ["file"] = file,
            }.ToJsonString(JsonText.Options));
        }

        // Taking weight away is the other way than the derivative.
        double Rank(Func<ScoredPair, double> score) => Agreement.Spearman([.. left.Select(p => -score(p))], [.. left.Select(p => p.Retrained)]);
    }
}
