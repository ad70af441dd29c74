namespace InfMatch.Distill;

/// <summary>What settings of tiles ask of each other.</summary>
internal static class TileSettings
{
    private const string OneTile = "image beside --factor 1: there an image is one tile";

    /// <summary>Refuses settings of tiles that do not go together with others.</summary>
    /// <exception cref="DistillException">Two do not.</exception>
    public static void CheckTogether(RunSettings s)
    {
        s.Factor?.RequireFor(s.Ipc);
        if (s is { Zca: not null, Factor: not null })
        {
            throw DistillException.BadValue(
                "--factor", $"{s.Factor}", "1 beside --zca: whitened images cannot be shrunk and enlarged");
        }
        if (s is { LabelsOf: not null } and ({ Factor: null } or { Labels: "hard" }))
        {
            throw DistillException.BadValue(
                "--labels-of", s.LabelsOf,
                s.Factor is null ? OneTile : "image beside --labels hard: the tiles of an image are of one class");
        }
        if (s is { BatchOf: not null } and ({ Factor: null } or { BatchSyn: null }))
        {
            throw DistillException.BadValue(
                "--batch-of", s.BatchOf,
                s.Factor is null ? OneTile : "image beside --batch-syn 0: there every step takes all tiles");
        }
    }
}
