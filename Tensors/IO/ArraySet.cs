using System.Collections.ObjectModel;
using System.Diagnostics.CodeAnalysis;

namespace InfMatch.Tensors.IO;

/// <summary>The arrays of one file, by order and by name, with the file's text metadata.</summary>
public sealed class ArraySet
{
    private readonly Dictionary<string, NamedArray> _byName;

    internal ArraySet(
        string source, IReadOnlyList<NamedArray> arrays, IReadOnlyDictionary<string, string>? metadata = null)
    {
        FileName = source;
        Arrays = arrays;
        Metadata = metadata ?? ReadOnlyDictionary<string, string>.Empty;
        _byName = arrays.ToDictionary(a => a.Name, StringComparer.Ordinal);
    }

    /// <summary>The file, or "(stream)" for data that has no file name.</summary>
    public string FileName { get; }

    /// <summary>All arrays in the order of their data in the file.</summary>
    public IReadOnlyList<NamedArray> Arrays { get; }

    /// <summary>The metadata of a safetensors file; empty where there is none.</summary>
    public IReadOnlyDictionary<string, string> Metadata { get; }

    /// <summary>The array of this name.</summary>
    /// <param name="name">The name, compared character by character.</param>
    /// <exception cref="KeyNotFoundException">The file has no such array; the message lists what it has.</exception>
    public NamedArray this[string name] => TryGet(name, out NamedArray? array)
        ? array
        : throw new KeyNotFoundException(
            $"{FileName}: there is no array '{name}'. The file has: {string.Join(", ", Arrays.Select(a => a.Name))}.");

    /// <summary>The arrays whose names begin with a prefix, without it.</summary>
    public ArraySet Below(string prefix) => new(
        FileName,
        [.. Arrays.Where(a => a.Name.StartsWith(prefix, StringComparison.Ordinal)).Select(a => a.Named(a.Name[prefix.Length..]))],
        Metadata);

    /// <summary>The same set with some arrays under other names; a name that is not there is left out.</summary>
    public ArraySet Renamed(IReadOnlyDictionary<string, string> names) => new(
        FileName, [.. Arrays.Select(a => names.TryGetValue(a.Name, out string? other) ? a.Named(other) : a)], Metadata);

    /// <summary>Looks an array up by its name.</summary>
    /// <param name="name">The name, compared character by character.</param>
    /// <param name="array">The array, or <see langword="null"/>.</param>
    /// <returns>Whether the file has it.</returns>
    public bool TryGet(string name, [NotNullWhen(true)] out NamedArray? array) => _byName.TryGetValue(name, out array);
}
