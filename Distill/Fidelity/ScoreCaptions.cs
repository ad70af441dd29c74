using System.Globalization;

namespace InfMatch.Distill;

/// <summary>What the pictures of scored examples say below and around each image.</summary>
/// <param name="recorded">The training with the labels that it was told.</param>
/// <param name="harm">The score of each example; positive is harmful.</param>
/// <param name="classes">The names of the classes.</param>
internal sealed class ScoreCaptions(RecordedCase recorded, double[] harm, IReadOnlyList<string> classes)
{
    // Three significant digits, and always a sign: scores of one set differ by powers of ten.
    private const string ScoreFormat = "+0.00e+0;-0.00e+0;0";

    /// <summary>How the captions are read.</summary>
    /// <param name="estimator">The estimate whose scores they show.</param>
    public string Note(string estimator) =>
        $"Below each image: its score by {estimator} (positive is harmful) and the label that training was told." +
        (recorded.IsFlipped.Contains(true) ? " A red frame marks a planted wrong label; the true one stands in the last line." : "");

    /// <summary>The lines below the images of a class; below a place without an image none.</summary>
    /// <param name="row">The examples.</param>
    /// <param name="places">How many images a class has room for.</param>
    public IEnumerable<string[]> Of(int[] row, int places) =>
        row.Select(LinesOf).Concat(Enumerable.Repeat<string[]>([], places - row.Length));

    /// <summary>The places, all of class 0 first, whose example has a planted wrong label.</summary>
    /// <param name="rows">The examples of each class.</param>
    /// <param name="places">How many images a class has room for.</param>
    public IReadOnlySet<int> Marked(int[][] rows, int places) => rows
        .SelectMany((row, c) => row.Select((example, i) => (Place: c * places + i, Example: example)))
        .Where(p => recorded.IsFlipped[p.Example]).Select(p => p.Place).ToHashSet();

    private string[] LinesOf(int i)
    {
        string[] lines = [harm[i].ToString(ScoreFormat, CultureInfo.InvariantCulture), $"label: {classes[recorded.Given[i]]}"];
        return recorded.IsFlipped[i] ? [.. lines, $"true: {classes[recorded.Labels[i]]}"] : lines;
    }
}
