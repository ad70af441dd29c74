using InfMatch.Influence;
using InfMatch.Methods;
using InfMatch.Tensors;

namespace InfMatch.Distill;

/// <summary>What a training is held against: the same training without single examples, without groups, on random subsets, on
/// candidate sets, and all but the last once more with all weights changed a little.</summary>
internal sealed class StudyInterventions
{
    /// <summary>Draws them for a training.</summary>
    public StudyInterventions(FidelitySettings settings, RecordedCase recorded)
    {
        int n = settings.Examples;
        RandomKey key = recorded.Key;
        int[] left = key.Split("leave out").Permutation(n)[..settings.LeaveOut];
        Singles = [.. left.Select(i => Intervention.TakeAway(n, settings.Share, i))];
        Groups =
        [
            .. Enumerable.Range(0, settings.Groups).Select(g => Intervention.TakeAway(
                n, settings.Share, key.Split("group").Split((ulong)g).Permutation(n).AsSpan(0, settings.GroupSize))),
        ];
        Subsets =
        [
            .. Enumerable.Range(0, settings.Subsets).Select(k => Intervention.Subset(
                n, settings.SubsetShare, settings.Share, key.Split("half").Split((ulong)k))),
        ];
        Candidates = [.. Enumerable.Range(0, settings.Candidates).Select(c => CandidateSet.Draw(settings, recorded, c))];
        Replaced = [.. Candidates.Select(c => Intervention.Replace(n, c.AsTrainingSet()))];
        Twins = MakeTwins(settings, key.Split("twin"), [.. Singles, .. Groups, .. Subsets]);
    }

    /// <summary>Single examples left out.</summary>
    public Intervention[] Singles { get; }

    /// <summary>Groups left out.</summary>
    public Intervention[] Groups { get; }

    /// <summary>Random subsets.</summary>
    public Intervention[] Subsets { get; }

    /// <summary>Candidate sets S.</summary>
    public SyntheticSet[] Candidates { get; }

    /// <summary>Training on a candidate in D's place, for each.</summary>
    public Intervention[] Replaced { get; }

    /// <summary>Perturbed retraining: weights a little off 1, and in it the singles, groups and subsets; none where it is not
    /// asked for.</summary>
    public Intervention[] Twins { get; }

    /// <summary>All of them, in the order of the properties.</summary>
    public Intervention[] All => [.. Singles, .. Groups, .. Subsets, .. Replaced, .. Twins];

    /// <summary>Their files, by what they are of.</summary>
    /// <param name="files">The file of each of <see cref="All"/>.</param>
    public StudyFiles Sort(IReadOnlyList<string> files)
    {
        string[][] parts = Cut(files, Singles.Length, Groups.Length, Subsets.Length, Replaced.Length, Twins.Length);
        string[][] twin = Twins.Length > 0 ? Cut(parts[4], 1, Singles.Length, Groups.Length, Subsets.Length) : [];
        return new StudyFiles(parts[0], parts[1], parts[2], parts[3])
        {
            Twin = twin.Length == 0 ? null : (twin[0][0], new StudyFiles(twin[1], twin[2], twin[3], [])),
        };
    }

    private static Intervention[] MakeTwins(FidelitySettings settings, RandomKey key, Intervention[] interventions)
    {
        if (settings.Twin == 0)
            return [];
        var weights = new double[settings.Examples];
        key.Normal(weights);
        for (int i = 0; i < weights.Length; i++)
            weights[i] = 1 + settings.Twin * weights[i];
        return [new Intervention { Weights = weights }, .. interventions.Select(z => z.Of(weights))];
    }

    private static string[][] Cut(IReadOnlyList<string> files, params int[] lengths)
    {
        var parts = new string[lengths.Length][];
        for (int i = 0, start = 0; i < lengths.Length; start += lengths[i++])
            parts[i] = [.. files.Skip(start).Take(lengths[i])];
        return parts;
    }
}

/// <summary>The files of retrainings, by what was changed.</summary>
/// <param name="Singles">An example left out.</param>
/// <param name="Groups">A group left out.</param>
/// <param name="Subsets">A random subset.</param>
/// <param name="Replaced">A candidate in D's place.</param>
internal sealed record StudyFiles(string[] Singles, string[] Groups, string[] Subsets, string[] Replaced)
{
    /// <summary>The perturbed retraining, with the same changes in it; null where there is none.</summary>
    public (string Itself, StudyFiles Files)? Twin { get; init; }
}
