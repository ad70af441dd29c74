using System.Collections.Immutable;

namespace InfMatch.Datasets;

/// <summary>
/// A set of labelled images that is asked for by its name. One type in one file brings everything that is known of it, and is
/// found by enumeration: adding a set is adding a type, and a reader where its format is new.
/// </summary>
public abstract class Dataset : NamedDataset
{
    /// <summary>Numbers of images and classes as published; null where they depend on the files.</summary>
    public virtual PublishedSize? Published => null;

    /// <summary>Whether its images are decoded from files, and can then be brought to another size.</summary>
    public virtual bool IsDecoded => false;

    /// <summary>Whether it shows digits, which a flip would make into something else.</summary>
    public virtual bool HasDigits => false;

    /// <summary>Name of each class, [M], in the order of the labels; empty where the files name them.</summary>
    public virtual ImmutableArray<string> ClassNames => [];

    /// <summary>Mean and deviation of the pixels; null where they are measured on the training images.</summary>
    public virtual Standardisation? Standardisation => null;

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
