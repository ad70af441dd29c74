using System.Collections.Immutable;
using InfMatch.Tensors;

namespace InfMatch.Datasets;

/// <summary>What is known of a set of any kind that is asked for by its name: what it shows, its conditions, and where it is
/// looked for.</summary>
public abstract class NamedDataset : IKind
{
    /// <summary>The place of a set that says nothing of it.</summary>
    protected const int UsualPlace = 100;

    /// <inheritdoc/>
    public abstract string Name { get; }

    /// <summary>A few words on what it shows.</summary>
    public abstract string Description { get; }

    /// <summary>Where it stands in lists: smaller numbers first, equal ones by name.</summary>
    public virtual int Place => UsualPlace;

    /// <summary>Whether the program has it without a file.</summary>
    public virtual bool IsBuiltIn => false;

    /// <summary>Whether it can be any folder, and is therefore found in a given one only.</summary>
    public virtual bool IsAnyFolder => false;

    /// <summary>Under which conditions the images may be passed on.</summary>
    public virtual DatasetLicence Licence => DatasetLicence.Unknown;

    /// <summary>The folders below a given one, or below that of INFMATCH_DATA, in which it is looked for as well.</summary>
    public virtual ImmutableArray<string> SubFolders => [];

    /// <summary>Folders of the system in which it is looked for where none is given.</summary>
    public virtual ImmutableArray<string> SystemFolders => [];

    /// <summary>Which files of whom are to be put into a folder, as a part of a sentence.</summary>
    public abstract string Files { get; }

    /// <summary>Where it can be downloaded; null for nowhere.</summary>
    public virtual DownloadSource? Source => null;

    /// <summary>Whether a folder holds the set, also in a form that is then refused with a reason.</summary>
    public abstract bool IsIn(string folder);
}

/// <summary>Under which conditions the images of a set may be passed on.</summary>
/// <param name="Identifier">Hugging Face's name of the licence.</param>
/// <param name="Note">A sentence that names the authors and the conditions, after the publishers' pages.</param>
public sealed record DatasetLicence(string Identifier, string Note)
{
    /// <summary>Of images that anybody may own.</summary>
    public static DatasetLicence Unknown { get; } = new(
        "unknown", "Its licence is not known to the program: ask whoever owns the images before the set is passed on.");
}
