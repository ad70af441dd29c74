using System.Collections.Immutable;

namespace InfMatch.Datasets;

/// <summary>Where sets are looked for: a given folder alone; else that of INFMATCH_DATA, then those of the system.</summary>
internal static class DatasetSearch
{
    /// <summary>The folder that the environment names, or null.</summary>
    public static string? Variable =>
        Environment.GetEnvironmentVariable(DatasetCatalog.FolderVariable) is { Length: > 0 } folder ? folder : null;

    /// <summary>The folder of a set, or null, and every place that was looked at.</summary>
    /// <exception cref="DatasetException">A folder that is named does not exist.</exception>
    public static (string? Found, List<string> Looked) Find(
        NamedDataset set, string? folder, string? variable, ImmutableArray<string>? systemFolders = null)
    {
        var looked = new List<string>();
        string? found = null;
        if (folder is not null)
        {
            DatasetFile.RequireFolder(folder);
            return (FindBelow(folder, set, looked), looked);
        }

        if (variable is not null)
        {
            // A variable that points nowhere is a slip to be told, not a reason to take other data.
            DatasetFile.RequireFolder(variable);
            found = FindBelow(variable, set, looked);
        }

        foreach (string system in systemFolders ?? set.SystemFolders)
        {
            if (found is null)
                looked.Add(system);
            if (found is null && set.IsIn(system))
                found = system;
        }

        return (found, looked);
    }

    /// <summary>A set that is nowhere, with the places and what to put there.</summary>
    /// <param name="set">The set.</param>
    /// <param name="looked">The places.</param>
    /// <param name="builtIn">The name of a set that needs no files.</param>
    public static DatasetException NotFound(NamedDataset set, List<string> looked, string builtIn) => new(
        DatasetFault.NotFound, set.Name,
        looked.Count == 0
            ? "the data set was not found: no folder was named"
            : $"the data set was not found; looked in {string.Join(", ", looked)}",
        fix: (set.Source is null ? string.Empty : $"'datasets get {set.Name}' downloads it. Or put ") +
            $"{(set.Source is null ? "Put " : string.Empty)}{set.Files} into a folder and name that folder with --data or " +
            $"{DatasetCatalog.FolderVariable}; {builtIn} needs no files.");

    /// <summary>A name that no set has, with the nearest one where one is near.</summary>
    public static DatasetException Unknown(string name, IReadOnlyList<string> names, string what)
    {
        string wanted = Plain(name);
        string nearest = names.MinBy(n => EditDistance.Between(wanted, Plain(n)))!;
        string list = string.Join(", ", names);

        // Beyond a third of the letters (a swap of two counts 2) a suggestion is a guess that misleads.
        bool near = EditDistance.Between(wanted, Plain(nearest)) <= Math.Max(2, nearest.Length / 3);
        return new DatasetException(
            DatasetFault.UnknownName, $"\"{name}\"", $"no {what} has this name",
            fix: (near ? $"Did you mean \"{nearest}\"? " : string.Empty) + $"Known: {list}.");
    }

    private static string? FindBelow(string folder, NamedDataset set, List<string> looked)
    {
        string[] places = [folder, .. set.SubFolders.Select(s => Path.Combine(folder, s))];
        foreach (string place in places)
        {
            looked.Add(place);
            if (set.IsIn(place))
                return place;
        }

        return null;
    }

    private static string Plain(string name) => string.Concat(name.Where(char.IsLetterOrDigit)).ToLowerInvariant();
}
