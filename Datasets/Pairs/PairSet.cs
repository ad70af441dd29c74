using System.Collections.Immutable;
using InfMatch.Tensors;

namespace InfMatch.Datasets;

/// <summary>
/// A set of image-text pairs that is asked for by its name. One type in one file brings everything that is known of it, and is
/// found by enumeration.
/// </summary>
public abstract class PairSet : NamedDataset
{
    /// <summary>Numbers as published; null where they depend on the files.</summary>
    public virtual PublishedPairs? Published => null;

    /// <summary>Reads it from its folder, which is null for a set that is built in. Feature vectors are read where the folder has
    /// them, images where <see cref="LoadOptions.ImageSize"/> is given.</summary>
    /// <exception cref="DatasetException">It is at fault.</exception>
    public abstract PairSplits Load(string? folder, LoadOptions options);
}

/// <summary>Numbers of images in each part, and of captions of one image, as published.</summary>
/// <param name="Train">Images for training.</param>
/// <param name="Dev">Images for choosing settings.</param>
/// <param name="Test">Images for the result.</param>
/// <param name="CaptionsOfImage">Captions of one image.</param>
public sealed record PublishedPairs(int Train, int Dev, int Test, int CaptionsOfImage);

/// <summary>The sets of image-text pairs known by name, found by enumeration; they are looked for where
/// <see cref="DatasetCatalog"/> looks.</summary>
public static class PairCatalog
{
    /// <summary>The name of the set that needs no files.</summary>
    public const string DefaultName = "pairs-demo";

    /// <summary>All sets, the default first.</summary>
    public static ImmutableArray<PairSet> All { get; } =
        [.. Kinds.Of<PairSet>().OrderBy(d => d.Place).ThenBy(d => d.Name, StringComparer.Ordinal)];

    /// <summary>All names, the default first.</summary>
    public static ImmutableArray<string> Names { get; } = [.. All.Select(d => d.Name)];

    /// <summary>The set of a name, or null.</summary>
    public static PairSet? Named(string name) => All.FirstOrDefault(d => d.Name == name);

    /// <summary>The set of a name.</summary>
    /// <exception cref="DatasetException">No set has this name.</exception>
    public static PairSet Of(string name) => Named(name) ?? throw DatasetSearch.Unknown(name, Names, "set of image-text pairs");

    /// <summary>Loads a set by name. A given folder (the set's own, or a parent of it) is the only place looked at; without one it
    /// is the folder in INFMATCH_DATA.</summary>
    /// <exception cref="DatasetException">The name is unknown, or the set is missing or at fault.</exception>
    public static PairSplits Load(string name, string? folder = null, LoadOptions? options = null)
    {
        PairSet set = Of(name);
        options ??= new LoadOptions();
        if (set.IsBuiltIn)
            return set.Load(folder, options);
        (string? found, List<string> looked) = DatasetSearch.Find(set, folder, DatasetSearch.Variable);
        return found is not null ? set.Load(found, options) : throw DatasetSearch.NotFound(set, looked, DefaultName);
    }

    /// <summary>Where a set is found, unread; null where it is not, or where it is built in.</summary>
    /// <exception cref="DatasetException">The name is unknown, or a folder that is named does not exist.</exception>
    public static string? Find(string name, string? folder = null)
    {
        PairSet set = Of(name);
        return set.IsBuiltIn ? null : DatasetSearch.Find(set, folder, DatasetSearch.Variable).Found;
    }
}
