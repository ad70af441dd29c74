namespace InfMatch.Distill;

/// <summary>How pages name rows of a result, and write what stands in them.</summary>
internal static class ResultCell
{
    private const char NoBreak = '\u00a0';

    /// <summary>An accuracy; a number and its deviation stay on one line.</summary>
    public static string Of(Accuracy? accuracy) => Accuracy.Cell(accuracy, "–", NoBreak);

    /// <summary>How a result is called: its images per class, and the network where several evaluated.</summary>
    public static string RowOf(IpcResult result) =>
        result.Network is null ? $"{result.Ipc} per class" : $"{result.Ipc} per class, {result.Network}";
}
