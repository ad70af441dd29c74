using System.Collections.Immutable;

namespace InfMatch.Datasets;

/// <summary>A file as its publisher offers it.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Addresses">Where it is offered, the publisher first, then mirrors; the sum decides, not the
/// place.</param>
/// <param name="Md5">MD5 in lower-case hex, as published; null where none is known, and the reader of the set
/// decides.</param>
/// <param name="Bytes">Its length, or null where it is not known.</param>
public sealed record PublishedFile(string Name, ImmutableArray<Uri> Addresses, string? Md5, long? Bytes = null)
{
    /// <summary>A file of one site, whose address ends with a slash.</summary>
    public static PublishedFile Of(string name, string site, string md5, long bytes) =>
        new(name, [new Uri(site + name)], md5, bytes);
}

/// <summary>What a packed file must hold, and what of it is taken.</summary>
/// <param name="Wanted">Decides by the full name of a member whether it is taken; all others are left out.</param>
/// <param name="Folder">The folder that it unpacks to.</param>
/// <param name="MaxMembers">The most members taken.</param>
/// <param name="MaxMemberBytes">The largest member taken.</param>
/// <param name="Required">Members without which it is not complete.</param>
public sealed record ArchiveContents(
    Func<string, bool> Wanted, string Folder, int MaxMembers, long MaxMemberBytes, ImmutableArray<string> Required)
{
    /// <summary>Just these members, all of them, directly in the folder.</summary>
    public static ArchiveContents Members(string folder, long maxBytes, params string[] names)
    {
        string[] full = [.. names.Select(n => $"{folder}/{n}")];
        return new ArchiveContents(n => full.Contains(n, StringComparer.Ordinal), folder, full.Length, maxBytes,
            [.. full]);
    }
}

/// <summary>Where and as what a data set is published.</summary>
/// <param name="Folder">The folder for its files, below the one that is asked for.</param>
/// <param name="Files">Its files.</param>
/// <param name="Archive">What the one file holds, where it is packed.</param>
public sealed record DownloadSource(
    string Folder, ImmutableArray<PublishedFile> Files, ArchiveContents? Archive = null);
