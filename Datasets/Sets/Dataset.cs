using System.Collections.Immutable;
using InfMatch.Tensors;

namespace InfMatch.Datasets;

/// <summary>
/// A data set that is asked for by its name. One type in one file brings everything that is known of it, and is found by
/// enumeration: adding a set is adding a type, and a reader where its format is new.
/// </summary>
public abstract class Dataset : IKind
{
    /// <summary>The place of a set that says nothing of it.</summary>
    protected const int UsualPlace = 100;

    /// <inheritdoc/>
    public abstract string Name { get; }

    /// <summary>A few words on what it shows.</summary>
    public abstract string Description { get; }

    /// <summary>Where it stands in lists: smaller numbers first, equal ones by name.</summary>
    public virtual int Place => UsualPlace;

    /// <summary>Numbers of images and classes as published; null where they depend on the files.</summary>
    public virtual PublishedSize? Published => null;

    /// <summary>Whether its images are decoded from files, and can then be brought to another size.</summary>
    public virtual bool IsDecoded => false;

    /// <summary>Whether the program has it without a file.</summary>
    public virtual bool IsBuiltIn => false;

    /// <summary>Whether it can be any folder, and is therefore found in a given one only.</summary>
    public virtual bool IsAnyFolder => false;

    /// <summary>Whether it shows digits, which a flip would make into something else.</summary>
    public virtual bool HasDigits => false;

    /// <summary>Under which conditions the images may be passed on.</summary>
    public virtual DatasetLicence Licence => DatasetLicence.Unknown;

    /// <summary>Name of each class, [M], in the order of the labels; empty where the files name them.</summary>
    public virtual ImmutableArray<string> ClassNames => [];

    /// <summary>Mean and deviation of the pixels; null where they are measured on the training images.</summary>
    public virtual Standardisation? Standardisation => null;

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

    /// <summary>Reads it from its folder, which is null for a set that is built in.</summary>
    /// <exception cref="DatasetException">It is at fault.</exception>
    public abstract DatasetPair Load(string? folder, LoadOptions options);

    /// <summary>How many classes a folder holds of a set of which some classes are a set, too; null for the others, which are there
    /// as a whole or not at all. Nothing is read.</summary>
    public virtual int? ClassesIn(string folder) => null;

    /// <summary>Whether a name, such as an artifact gives its source, means this set.</summary>
    public virtual bool IsMeantBy(string name) => name == Name;

    /// <summary>Name, classes and standardisation of a set that knows them without its files.</summary>
    /// <exception cref="InvalidOperationException">It measures its standardisation.</exception>
    public DatasetTraits Traits => new(Name, ClassNames, Standardisation
        ?? throw new InvalidOperationException($"{Name} has no standardisation of its own; it is measured on the images."));
}

/// <summary>Numbers of images and classes as published.</summary>
/// <param name="Train">Training images.</param>
/// <param name="Test">Test images.</param>
/// <param name="Classes">Classes.</param>
/// <param name="Image">Height × width.</param>
public sealed record PublishedSize(int Train, int Test, int Classes, string Image);

/// <summary>Under which conditions the images of a set may be passed on.</summary>
/// <param name="Identifier">Hugging Face's name of the licence.</param>
/// <param name="Note">A sentence that names the authors and the conditions, after the publishers' pages.</param>
public sealed record DatasetLicence(string Identifier, string Note)
{
    /// <summary>Of images that anybody may own.</summary>
    public static DatasetLicence Unknown { get; } = new(
        "unknown", "Its licence is not known to the program: ask whoever owns the images before the set is passed on.");
}
