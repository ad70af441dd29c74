using InfMatch.Methods;
using InfMatch.Tensors;

namespace InfMatch.Distill;

/// <summary>The rows of a table of retrieval beside a set of pairs.</summary>
internal static class PairRows
{
    /// <summary>The names of the rows that are no choice of real pairs.</summary>
    public const string WithSimilarity = "random + similarity", Distilled = "distilled", Full = "full data";

    /// <summary>The choices of real pairs: that at random first.</summary>
    public static IReadOnlyList<PairSelection> Selections { get; } =
        [.. Kinds.Of<PairSelection>().OrderBy(kind => !kind.IsDrawn).ThenBy(kind => kind.Name, StringComparer.Ordinal)];

    /// <summary>The rows that no set and no method decides.</summary>
    public static IReadOnlyList<string> OfBaselines { get; } = [.. Selections.Select(kind => kind.Name), Full];

    /// <summary>Every row that there can be, in the order of a table.</summary>
    public static IReadOnlyList<string> All => [.. Selections.Select(kind => kind.Name), WithSimilarity, Distilled, Full];

    /// <summary>Every row of a run, in the order of a table.</summary>
    public static IReadOnlyList<string> Of(RunSettings settings) =>
    [
        .. Selections.Select(kind => kind.Name),
        .. PairSettings.RankOf(settings) > 0 ? [WithSimilarity] : (string[])[],
        Distilled, Full,
    ];

    /// <summary>Rows in the order of a table.</summary>
    public static IReadOnlyList<RetrievalRow> InOrder(RunSettings settings, IEnumerable<RetrievalRow> rows)
    {
        IReadOnlyList<string> order = Of(settings);
        return [.. rows.OrderBy(row => order.Contains(row.Name, StringComparer.Ordinal) ? order.ToList().IndexOf(row.Name) : order.Count)];
    }
}
