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
    public static Dataset Of(string name) => Named(name) ?? throw DatasetSearch.Unknown(name, Names, "data set");

    /// <summary>The licence of the images of a set; <see cref="DatasetLicence.Unknown"/> for a name that none has.</summary>
    public static DatasetLicence LicenceOf(string name) =>
        (Named(name) ?? All.FirstOrDefault(d => d.IsMeantBy(name)))?.Licence ?? DatasetLicence.Unknown;

    /// <summary>
    /// Loads a set by name. A given folder (the set's own, or a parent of it) is the only place looked at; without one
    /// it is the folder in INFMATCH_DATA and then, for fashion-mnist, where Debian's package puts the files.
    /// </summary>
    /// <exception cref="DatasetException">The name is unknown, or the set is missing or at fault.</exception>
    public static DatasetPair Load(string name, string? folder = null, LoadOptions? options = null) =>
        Load(name, folder, DatasetSearch.Variable, null, options);

    /// <summary>As <see cref="Load(string, string?, LoadOptions?)"/>, surroundings given, for tests.</summary>
    internal static DatasetPair Load(
        string name, string? folder, string? variable, ImmutableArray<string>? systemFolders, LoadOptions? options)
    {
        Dataset set = Of(name);
        options ??= new LoadOptions();
        if (set.IsBuiltIn)
            return set.Load(folder, options);
        (string? found, List<string> looked) = DatasetSearch.Find(set, folder, variable, systemFolders);
        return found is not null ? set.Load(found, options) : throw DatasetSearch.NotFound(set, looked, DefaultName);
    }

    /// <summary>Where a set is found by the rules of <see cref="Load(string, string?, LoadOptions?)"/>, unread; null where it
    /// is not, or where it is built in. A folder of images can be anywhere, so it is found in a given folder only.</summary>
    /// <exception cref="DatasetException">The name is unknown, or a folder that is named does not exist.</exception>
    public static string? Find(string name, string? folder = null)
    {
        Dataset set = Of(name);
        return set.IsBuiltIn || (set.IsAnyFolder && folder is null) ? null : DatasetSearch.Find(set, folder, DatasetSearch.Variable).Found;
    }
}
