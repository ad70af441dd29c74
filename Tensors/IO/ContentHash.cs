using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace InfMatch.Tensors.IO;

/// <summary>
/// SHA-256 of all that a safetensors file holds, arrays and texts, which the file itself states as one of its texts, so that
/// a reader tells damage from data. Source: docs/artifact.md has the bytes that are hashed.
/// </summary>
public static class ContentHash
{
    /// <summary>The metadata key under which a file states its hash.</summary>
    public const string Key = "content_sha256";

    /// <summary>Of every array and every text but the hash itself, in the order of their names, in lower-case hex.</summary>
    /// <param name="arrays">The arrays, in any order; NaN and infinities count by their bits.</param>
    /// <param name="metadata">The texts.</param>
    public static string Of(IEnumerable<NamedArray> arrays, IReadOnlyDictionary<string, string> metadata)
    {
        ArgumentNullException.ThrowIfNull(arrays);
        ArgumentNullException.ThrowIfNull(metadata);
        using var sha = SHA256.Create();
        using (var stream = new CryptoStream(Stream.Null, sha, CryptoStreamMode.Write))
        {
            void Line(string text) => stream.Write(Encoding.UTF8.GetBytes(text + "\n"));
            foreach (NamedArray array in arrays.OrderBy(a => a.Name, StringComparer.Ordinal))
            {
                Line($"{array.Name} {array.Element} {string.Join(' ', array.Dimensions.ToArray())}");
                array.WriteTo(stream);
            }
            foreach ((string key, string value) in metadata.OrderBy(p => p.Key, StringComparer.Ordinal))
            {
                if (key != Key)
                    Line($"{key} {Encoding.UTF8.GetByteCount(value).ToString(CultureInfo.InvariantCulture)} {value}");
            }
        }
        return Convert.ToHexStringLower(sha.Hash!);
    }

    /// <summary>Writes a file that states its hash, as atomically as <see cref="Safetensors.Write(string,
    /// IEnumerable{NamedArray}, IReadOnlyDictionary{string, string}, FileOperations)"/>.</summary>
    /// <param name="path">The file to write or replace; its folder must exist.</param>
    /// <param name="arrays">The arrays; NaN and infinities are written as they are.</param>
    /// <param name="metadata">The texts; a hash among them is replaced.</param>
    /// <exception cref="ArgumentException">A name is reserved or occurs twice, or the header would exceed 1 MiB.</exception>
    /// <exception cref="FileWriteException">The folder is missing or not writable, or the device failed or is full.
    /// </exception>
    public static void Write(
        string path, IReadOnlyList<NamedArray> arrays, IReadOnlyDictionary<string, string> metadata) => Safetensors.Write(
        path, arrays, new Dictionary<string, string>(metadata, StringComparer.Ordinal) { [Key] = Of(arrays, metadata) });

    /// <summary>Holds what was read to the hash that its file states.</summary>
    /// <param name="read">The file.</param>
    /// <param name="olderTexts">How many texts a file of an earlier version has, which states no hash: one that has more has
    /// lost it.</param>
    /// <returns>Whether it states one.</returns>
    /// <exception cref="DamagedFileException">The content has another hash, or the hash is lost.</exception>
    public static bool Check(ArraySet read, int olderTexts)
    {
        ArgumentNullException.ThrowIfNull(read);
        if (!read.Metadata.TryGetValue(Key, out string? stated))
        {
            return read.Metadata.Count > olderTexts
                ? throw new DamagedFileException(
                    read.FileName, $"the text '{Key}' is missing, so the file was damaged or changed after it was written.")
                : false;
        }
        return Of(read.Arrays, read.Metadata) == stated
            ? true
            : throw new DamagedFileException(
                read.FileName, "the content does not have the hash that the file states, so it was damaged or changed after it "
                + "was written.");
    }
}
