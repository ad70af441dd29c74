namespace InfMatch.Distill;

/// <summary>A column of the table of accuracies.</summary>
/// <param name="Key">Its key in files.</param>
/// <param name="Name">Its heading.</param>
/// <param name="Colour">The class of the style sheet that colours it.</param>
/// <param name="Of">The accuracy.</param>
internal sealed record ResultColumn(string Key, string Name, string Colour, Func<AccuracySet, Accuracy?> Of)
{
    /// <summary>All, in the order of the table.</summary>
    public static IReadOnlyList<ResultColumn> All { get; } =
    [
        new("randomReal", "random real", "real", a => a.RandomReal),
        new("randomRealSoftLabels", "random real + soft labels", "soft", a => a.RandomRealSoftLabels),
        new("distilled", "distilled", "distilled", a => a.Distilled),
        new("whole", "whole set", "whole", a => a.Whole),
    ];

    /// <summary>An accuracy as a cell shows it.</summary>
    public static string Cell(Accuracy? accuracy) => accuracy is null ? "–"
        : accuracy.Best is { } best ? $"{Unbroken(accuracy)} (best {Unbroken(best)})" : Unbroken(accuracy);

    // A number and its deviation stay on one line.
    private static string Unbroken(Accuracy accuracy) => accuracy.Shown.Replace(' ', '\u00a0');

    /// <summary>How a result is called: its images per class, and the network where several evaluated.</summary>
    public static string RowOf(IpcResult result) =>
        result.Network is null ? $"{result.Ipc} per class" : $"{result.Ipc} per class, {result.Network}";
}
