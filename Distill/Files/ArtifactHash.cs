using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using InfMatch.Influence;
using InfMatch.Tensors.IO;

namespace InfMatch.Distill;

/// <summary>SHA-256, in lower-case hex, of what a distilled set consists of and of what it came from.</summary>
internal static class ArtifactHash
{
    /// <summary>Of the parts of a set in their order, float32 as they lie in memory: equal hashes are equal sets, bit for bit.
    /// </summary>
    public static string OfSet(IEnumerable<NamedArray> parts)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (NamedArray part in parts)
            hash.AppendData(MemoryMarshal.AsBytes(part.AsFloat32()));
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    /// <summary>Of a recorded training: of its whole file; of one from before files had such a hash, of its description
    /// and the loss of every step.</summary>
    public static string OfTrajectory(TrajectoryFile trajectory)
    {
        if (trajectory.ContentHash is { } whole)
            return whole;
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach ((string key, string value) in trajectory.Metadata.OrderBy(p => p.Key, StringComparer.Ordinal))
            hash.AppendData(Encoding.UTF8.GetBytes($"{key} {value}\n"));
        hash.AppendData(MemoryMarshal.AsBytes<float>((float[])[.. trajectory.Losses]));
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    /// <summary>Of a text in UTF-8.</summary>
    public static string OfText(string text) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)));

    /// <summary>Whether a text has the form of such a hash.</summary>
    public static bool IsHash(string text) =>
        text.Length == 64 && text.All(c => c is >= '0' and <= '9' or >= 'a' and <= 'f');
}
