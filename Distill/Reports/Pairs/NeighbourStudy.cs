using InfMatch.Datasets;

namespace InfMatch.Distill;

/// <summary>The training pairs nearest to the sets of a run, kept in its folder, and the pictures of these.</summary>
internal static class NeighbourStudy
{
    /// <summary>What a run's file tells if it is of its sets; else null.</summary>
    public static NeighbourFile? Kept(RecordedRun run)
    {
        if (!File.Exists(run.Files.Neighbours))
            return null;
        try
        {
            var kept = NeighbourFile.Read(run.Files.Neighbours);
            return SetsOf(run).All(set => kept.Sets.Any(s => s.SetSha256 == set.Metadata[PairArtifact.SetHashKey])) ? kept : null;
        }
        catch (DistillException e)
        {
            run.AddProblem(e.Message);
            return null;
        }
    }

    /// <summary>Finds what is nearest to the sets of a run, keeps it in its folder, and draws it where it can be drawn.</summary>
    /// <returns>Null where the run has no set yet.</returns>
    /// <exception cref="DistillException">The data are others than the run's.</exception>
    /// <exception cref="DatasetException">An image of the data set is damaged.</exception>
    public static NeighbourFile? Make(RecordedRun run, PairSplits splits, CancellationToken cancel)
    {
        PairArtifact[] sets = [.. SetsOf(run)];
        if (sets.Length == 0)
            return null;
        var made = new NeighbourFile(
            PairCatalog.Named(splits.Name)?.Licence.Note ?? "", [.. sets.Select(set => NeighbourSearch.Find(set, splits, cancel))]);
        made.Save(run.Files.Neighbours);
        foreach (SetNeighbours set in made.Sets.Where(CanBeDrawn))
            PairPicture.Write(run.Files.PairPicture(set.Pairs), splits.Name, set);
        return made;
    }

    /// <summary>Whether a run has a set whose pairs could be shown.</summary>
    public static bool HasSets(RecordedRun run) => SetsOf(run).Any();

    private static bool CanBeDrawn(SetNeighbours set) => set.HasPictures || PictureFont.Exists;

    private static IEnumerable<PairArtifact> SetsOf(RecordedRun run) =>
        run.Evaluation is { Set: null } ? [] : run.Sizes.Select(run.PairSet).OfType<PairArtifact>();
}
