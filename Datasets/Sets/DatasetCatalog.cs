using System.Collections.Immutable;
using InfMatch.Tensors;

namespace InfMatch.Datasets;

/// <summary>The data sets known by name, found by enumeration, and where they are looked for.</summary>
public static class DatasetCatalog
{
    /// <summary>The set used when none is named: built in, no download.</summary>
    public const string DefaultName = FashionMnistSmallDataset.OwnName;

    /// <summary>Environment variable that names a data set's folder or a parent of several.</summary>
    public const string FolderVariable = "INFMATCH_DATA";

    /// <summary>All sets, the default first.</summary>
    public static ImmutableArray<Dataset> All { get; } =
        [.. Kinds.Of<Dataset>().OrderBy(d => d.Place).ThenBy(d => d.Name, StringComparer.Ordinal)];

    /// <summary>All names, the default first.</summary>
    public static ImmutableArray<string> Names { get; } = [.. All.Select(d => d.Name)];

    /// <summary>The set of a name, or null.</summary>
    public static Dataset? Named(string name) => All.FirstOrDefault(d => d.Name == name);

    /// <summary>The set of a name.</summary>
    /// <exception cref="DatasetException">No set has this name.</exception>
    public static Dataset Of(string name) => Named(name) ?? throw Unknown(name);

    /// <summary>The licence of the images of a set; <see cref="DatasetLicence.Unknown"/> for a name that none has.</summary>
    public static DatasetLicence LicenceOf(string name) =>
        (Named(name) ?? All.FirstOrDefault(d => d.IsMeantBy(name)))?.Licence ?? DatasetLicence.Unknown;

    /// <summary>
    /// Loads a set by name. A given folder (the set's own, or a parent of it) is the only place looked at; without one
    /// it is the folder in INFMATCH_DATA and then, for fashion-mnist, where Debian's package puts the files.
    /// </summary>
    /// <exception cref="DatasetException">The name is unknown, or the set is missing or at fault.</exception>
    public static DatasetPair Load(string name, string? folder = null, LoadOptions? options = null) =>
        Load(name, folder, Variable, null, options);

    /// <summary>As <see cref="Load(string, string?, LoadOptions?)"/>, surroundings given, for tests.</summary>
    internal static DatasetPair Load(
        string name, string? folder, string? variable, ImmutableArray<string>? systemFolders, LoadOptions? options)
    {
        Dataset set = Of(name);
        options ??= new LoadOptions();
        if (set.IsBuiltIn)
            return set.Load(folder, options);
        (string? found, List<string> looked) = Find(set, folder, variable, systemFolders);
        return found is not null ? set.Load(found, options) : throw NotFound(set, looked);
    }

    /// <summary>Where a set is found by the rules of <see cref="Load(string, string?, LoadOptions?)"/>, unread; null where it
    /// is not, or where it is built in. A folder of images can be anywhere, so it is found in a given folder only.</summary>
    /// <exception cref="DatasetException">The name is unknown, or a folder that is named does not exist.</exception>
    public static string? Find(string name, string? folder = null)
    {
        Dataset set = Of(name);
        return set.IsBuiltIn || (set.IsAnyFolder && folder is null) ? null : Find(set, folder, Variable, null).Found;
    }

    private static string? Variable =>
        Environment.GetEnvironmentVariable(FolderVariable) is { Length: > 0 } folder ? folder : null;

    private static (string? Found, List<string> Looked) Find(
        Dataset set, string? folder, string? variable, ImmutableArray<string>? systemFolders)
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

    private static string? FindBelow(string folder, Dataset set, List<string> looked)
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

    private static DatasetException NotFound(Dataset set, List<string> looked) => new(
        DatasetFault.NotFound, set.Name,
        looked.Count == 0
            ? "the data set was not found: no folder was named"
            : $"the data set was not found; looked in {string.Join(", ", looked)}",
        fix: (set.Source is null ? string.Empty : $"'datasets get {set.Name}' downloads it. Or put ") +
            $"{(set.Source is null ? "Put " : string.Empty)}{set.Files} into a folder and name that folder with --data or {FolderVariable}; " +
            $"{DefaultName} needs no files.");

    private static DatasetException Unknown(string name)
    {
        string wanted = Plain(name);
        string nearest = Names.MinBy(n => EditDistance.Between(wanted, Plain(n)))!;
        string list = string.Join(", ", Names);

        // Beyond a third of the letters (a swap of two counts 2) a suggestion is a guess that misleads.
        bool near = EditDistance.Between(wanted, Plain(nearest)) <= Math.Max(2, nearest.Length / 3);
        return new DatasetException(
            DatasetFault.UnknownName, $"\"{name}\"", "no data set has this name",
            fix: (near ? $"Did you mean \"{nearest}\"? " : string.Empty) + $"Known: {list}.");
    }

    private static string Plain(string name) => string.Concat(name.Where(char.IsLetterOrDigit)).ToLowerInvariant();
}
