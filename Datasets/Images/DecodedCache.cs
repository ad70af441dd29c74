using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace InfMatch.Datasets;

/// <summary>Decoded images of a set: training and test pixels [N, 3, H, W].</summary>
internal sealed record DecodedImages(int Height, int Width, byte[] Train, byte[] Test);

/// <summary>
/// Keeps decoded sets in a folder. A file holds a magic number, the key (SHA-256 of names, lengths, times and labels of
/// the listed files and of what decoding depends on), the sizes, all pixels, and the SHA-256 of all that. What does not
/// verify is decoded again and said so; an image that was changed without its length or time is not noticed.
/// </summary>
public sealed class DecodedCache
{
    /// <summary>The environment variable that names the folder.</summary>
    public const string FolderVariable = "INFMATCH_CACHE";

    private const int HeaderBytes = 8 + 32 + 16, HashBytes = 32, ChunkBytes = 4 << 20;

    private static readonly byte[] s_magic = "IMFDEC01"u8.ToArray();

    private readonly Action<string, Action<Stream>> _write;

    /// <summary>Takes the folder, which is made when needed, and how a file is written so that it is whole or not
    /// there.
    /// </summary>
    public DecodedCache(string folder, Action<string, Action<Stream>> write) => (Folder, _write) = (folder, write);

    /// <summary>Where the files are.</summary>
    public string Folder { get; }

    /// <summary>INFMATCH_CACHE, else infmatch in the user's cache folder, else null.</summary>
    public static string? DefaultFolder(Func<string, string?> variable)
    {
        if (variable(FolderVariable) is { Length: > 0 } named)
            return named;
        if (OperatingSystem.IsWindows())
        {
            return variable("LOCALAPPDATA") is { Length: > 0 } local ? Path.Combine(local, "infmatch", "cache") : null;
        }

        if (variable("XDG_CACHE_HOME") is { Length: > 0 } cache && Path.IsPathRooted(cache))
            return Path.Combine(cache, "infmatch");
        if (variable("HOME") is not { Length: > 0 } home)
            return null;
        return OperatingSystem.IsMacOS()
            ? Path.Combine(home, "Library", "Caches", "infmatch")
            : Path.Combine(home, ".cache", "infmatch");
    }

    /// <summary>The file of a set: one for each root and size, so that a set that has changed takes the place of the
    /// old.
    /// </summary>
    internal string FileOf(ImageListing listing, LoadOptions options)
    {
        byte[] place = SHA256.HashData(Encoding.UTF8.GetBytes(
            $"{listing.Dataset}\n{listing.Root}\n{options.ImageSize}"));
        return Path.Combine(Folder, $"{listing.Dataset}-{Convert.ToHexStringLower(place.AsSpan(0, 8))}.decoded");
    }

    /// <summary>The decoded images, or null where there are none that verify.</summary>
    internal DecodedImages? Read(ImageListing listing, LoadOptions options)
    {
        string path = FileOf(listing, options);
        if (!File.Exists(path))
            return null;
        string reason;
        try
        {
            using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 0);
            (DecodedImages? images, reason) = Read(
                stream, stream.Length, Key(listing, options), listing.Train.Length, listing.Test.Length, options);
            if (images is not null)
                return images;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            reason = e.Message.TrimEnd('.');
        }

        options.Note?.Invoke($"The decoded images in {path} are not used: {reason}. They are made again.");
        return null;
    }

    /// <summary>Keeps decoded images; where that fails, it is said, and the set is loaded all the same.</summary>
    internal void Write(ImageListing listing, LoadOptions options, DecodedImages images)
    {
        string path = FileOf(listing, options);
        try
        {
            Directory.CreateDirectory(Folder);
            _write(path, stream => Write(stream, Key(listing, options), listing, images));
            options.Note?.Invoke($"The decoded images are kept in {path}.");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            options.Note?.Invoke($"The decoded images could not be kept in {path} ({e.Message.TrimEnd('.')}).");
        }
    }

    /// <summary>Reads and verifies; the numbers of images come from the listing, never from the file.</summary>
    internal static (DecodedImages? Images, string Reason) Read(
        Stream stream, long length, byte[] key, int train, int test, LoadOptions options)
    {
        byte[] header = new byte[HeaderBytes];
        if (length < HeaderBytes + HashBytes
            || stream.ReadAtLeast(header, HeaderBytes, throwOnEndOfStream: false) < HeaderBytes
            || !header.AsSpan(0, 8).SequenceEqual(s_magic))
            return (null, "the file is damaged (header)");
        if (!header.AsSpan(8, 32).SequenceEqual(key))
            return (null, "the image files have changed, or another version wrote it");
        int[] sizes = [.. Enumerable.Range(0, 4).Select(
            i => BinaryPrimitives.ReadInt32LittleEndian(header.AsSpan(40 + (4 * i))))];
        (int height, int width) = (sizes[2], sizes[3]);
        if (sizes[0] != train || sizes[1] != test || height < 1 || width < 1 || height > options.Limits.MaxSide
            || width > options.Limits.MaxSide)
            return (null, "the file is damaged (sizes)");
        long image = 3L * height * width;
        if (length != HeaderBytes + HashBytes + ((train + (long)test) * image)
            || image * Math.Max(train, test) > Array.MaxLength)
            return (null, "the file is damaged (length)");

        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(header);
        var images = new DecodedImages(height, width, new byte[train * image], new byte[test * image]);
        byte[] stored = new byte[HashBytes];
        try
        {
            long done = 0;
            foreach (byte[] part in (byte[][])[images.Train, images.Test])
            {
                for (int at = 0; at < part.Length; at += ChunkBytes)
                {
                    options.Cancel.ThrowIfCancellationRequested();
                    Span<byte> chunk = part.AsSpan(at, Math.Min(ChunkBytes, part.Length - at));
                    stream.ReadExactly(chunk);
                    hash.AppendData(chunk);
                    done += chunk.Length;
                    options.Progress?.Invoke("reading decoded images", done / image, train + test);
                }
            }

            stream.ReadExactly(stored);
        }
        catch (EndOfStreamException)
        {
            return (null, "the file is damaged (it ends too early)");
        }

        return hash.GetHashAndReset().AsSpan().SequenceEqual(stored)
            ? (images, "")
            : (null, "the file is damaged (SHA-256)");
    }

    internal static void Write(Stream stream, byte[] key, ImageListing listing, DecodedImages images)
    {
        byte[] header = new byte[HeaderBytes];
        s_magic.CopyTo(header, 0);
        key.CopyTo(header, 8);
        ReadOnlySpan<int> sizes = [listing.Train.Length, listing.Test.Length, images.Height, images.Width];
        for (int i = 0; i < sizes.Length; i++)
            BinaryPrimitives.WriteInt32LittleEndian(header.AsSpan(40 + (4 * i)), sizes[i]);
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (byte[] part in (byte[][])[header, images.Train, images.Test])
        {
            for (int at = 0; at < part.Length; at += ChunkBytes)
            {
                var chunk = part.AsSpan(at, Math.Min(ChunkBytes, part.Length - at));
                hash.AppendData(chunk);
                stream.Write(chunk);
            }
        }

        stream.Write(hash.GetHashAndReset());
    }

    internal static byte[] Key(ImageListing listing, LoadOptions options)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        void Add(string line) => hash.AppendData(Encoding.UTF8.GetBytes(line + "\n"));
        Add($"{listing.Dataset} {ImageFile.Decoder} {options.ImageSize}");
        foreach (ListedImage[] part in (ListedImage[][])[listing.Train, listing.Test])
        {
            Add($"{part.Length}");
            foreach (ListedImage image in part)
                Add($"{image.Bytes} {image.Written} {image.Label} {image.Name}");
        }

        return hash.GetHashAndReset();
    }
}
