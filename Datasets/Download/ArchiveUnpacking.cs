using System.Formats.Tar;
using System.IO.Compression;
using System.IO.Hashing;

namespace InfMatch.Datasets;

/// <summary>
/// Unpacks the expected members of a .tar.gz or .zip and nothing else: names come from a list or a pattern, so that no
/// path can lead out of the folder; links are refused, sizes are capped, CRCs compared. It grows in a folder with
/// .partial at its end, which gets its name when all is there.
/// </summary>
/// <param name="archive">The packed file.</param>
/// <param name="folder">The folder that it becomes.</param>
/// <param name="contents">What is taken.</param>
/// <param name="progress">Hears the stage, how much is done and how much there is.</param>
/// <param name="cancel">Stops it.</param>
internal sealed class ArchiveUnpacking(
    string archive, string folder, ArchiveContents contents, Action<string, long, long>? progress, CancellationToken cancel)
{
    private const int RestBytes = 64 << 10;

    private readonly string _partial = folder + ".partial";
    private readonly HashSet<string> _taken = new(StringComparer.Ordinal);

    /// <exception cref="DatasetException">The archive is damaged, incomplete, or holds a link for a member.</exception>
    /// <exception cref="IOException">It cannot be written.</exception>
    public void Run()
    {
        if (Directory.Exists(_partial))
            Directory.Delete(_partial, recursive: true);
        Directory.CreateDirectory(_partial);
        try
        {
            if (archive.EndsWith(".zip", StringComparison.Ordinal))
                UnpackZip();
            else
                UnpackTar();
        }
        catch (Exception e) when (e is InvalidDataException or EndOfStreamException)
        {
            throw new DatasetException(
                DatasetFault.Damaged, archive, "the archive is damaged or cut short", fix: "Download it again.",
                innerException: e);
        }

        string? missing = contents.Required.FirstOrDefault(n => !_taken.Contains(n));
        if (missing is not null)
        {
            throw new DatasetException(
                DatasetFault.NotFound, archive, $"{missing} is not in the archive", fix: "Is it the published file?");
        }

        if (Directory.Exists(folder))
            Directory.Delete(folder);
        Directory.Move(_partial, folder);
    }

    private void UnpackTar()
    {
        using FileStream file = File.OpenRead(archive);
        using var gzip = new GZipStream(file, CompressionMode.Decompress);
        using var tar = new TarReader(gzip);
        while (tar.GetNextEntry() is { } entry)
        {
            cancel.ThrowIfCancellationRequested();
            progress?.Invoke("unpacking", file.Position, file.Length);
            string name = entry.Name.StartsWith("./", StringComparison.Ordinal) ? entry.Name[2..] : entry.Name;
            if (!contents.Wanted(name))
                continue;
            if (entry.EntryType is not (TarEntryType.RegularFile or TarEntryType.V7RegularFile)
                || entry.DataStream is null)
                throw NoFile(name);
            Take(name, entry.Length, entry.DataStream, null);
        }

        // The checksum of gzip stands behind the end of the archive.
        byte[] rest = new byte[RestBytes];
        while (gzip.Read(rest) > 0)
            cancel.ThrowIfCancellationRequested();
    }

    private void UnpackZip()
    {
        using var zip = new ZipArchive(File.OpenRead(archive), ZipArchiveMode.Read);
        int done = 0;
        foreach (ZipArchiveEntry entry in zip.Entries)
        {
            cancel.ThrowIfCancellationRequested();
            if (done++ % 256 == 0)
                progress?.Invoke("unpacking", done, zip.Entries.Count);
            if (!contents.Wanted(entry.FullName))
                continue;

            // The upper half holds the mode of the file on Unix; a link says so there.
            const int KindMask = 0xF000, Link = 0xA000;
            if (((entry.ExternalAttributes >> 16) & KindMask) == Link)
                throw NoFile(entry.FullName);
            using Stream data = entry.Open();
            Take(entry.FullName, entry.Length, data, entry.Crc32);
        }
    }

    private void Take(string name, long length, Stream data, uint? crc)
    {
        if (length > contents.MaxMemberBytes || _taken.Count == contents.MaxMembers)
        {
            throw new DatasetException(
                DatasetFault.TooLarge, archive, $"the member {name} is over the limit",
                $"{length} bytes as member {_taken.Count + 1}",
                $"at most {contents.MaxMemberBytes} bytes and {contents.MaxMembers} members",
                "Is it the published file?");
        }

        if (!_taken.Add(name))
        {
            throw new DatasetException(
                DatasetFault.Duplicate, archive, $"the member {name} occurs twice", fix: "Is it the published file?");
        }

        byte[] bytes = new byte[length];
        int got = data.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false);
        if (got < bytes.Length || data.ReadByte() >= 0 || (crc is { } expected && Crc32.HashToUInt32(bytes) != expected))
        {
            throw new DatasetException(
                DatasetFault.Damaged, archive, $"the member {name} is damaged (length or CRC-32)",
                fix: "Download it again.");
        }

        // The names all begin with the archive's own folder, in whose place the partial one stands.
        string path = Path.Combine(_partial, name[(contents.Folder.Length + 1)..]);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllBytes(path, bytes);
    }

    private DatasetException NoFile(string name) => new(
        DatasetFault.WrongFormat, archive, $"the member {name} is a link or no plain file",
        fix: "Is it the published file? Nothing of it is used.");
}
