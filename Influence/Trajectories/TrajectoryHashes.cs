using System.Numerics;
using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace InfMatch.Influence;

/// <summary>
/// The hashes that a trajectory ends with: SHA-256 of each θ, and at last SHA-256 of all else, the header and those hashes
/// included. So a file that is larger than memory is checked as it is read, one vector at a time.
/// </summary>
internal sealed class TrajectoryHashes
{
    /// <summary>The array in the file, uint8 [K + 1, 32].</summary>
    public const string Name = "sha256";

    /// <summary>Bytes of one hash.</summary>
    public const int Bytes = SHA256.HashSizeInBytes;

    private readonly byte[] _hashes;
    private int _added;

    /// <summary>Hashes for a number of checkpoints, whose θ are added later.</summary>
    public TrajectoryHashes(int checkpoints) => _hashes = new byte[(checkpoints + 1) * Bytes];

    /// <summary>As a file states them.</summary>
    public TrajectoryHashes(byte[] stated) => _hashes = stated;

    /// <summary>The hash of the whole file, in lower-case hex.</summary>
    public string Whole => Convert.ToHexStringLower(_hashes.AsSpan(_hashes.Length - Bytes));

    /// <summary>Hashes the θ of the next checkpoint.</summary>
    public void Add(ReadOnlySpan<byte> theta) => SHA256.HashData(theta, _hashes.AsSpan(_added++ * Bytes, Bytes));

    /// <summary>Whether the θ of a checkpoint has its hash.</summary>
    public bool IsRight(int checkpoint, ReadOnlySpan<byte> theta)
    {
        Span<byte> found = stackalloc byte[Bytes];
        SHA256.HashData(theta, found);
        return found.SequenceEqual(_hashes.AsSpan(checkpoint * Bytes, Bytes));
    }

    /// <summary>Whether all else has its hash.</summary>
    public bool IsRight(
        ReadOnlySpan<byte> header, int[] steps, double[] rates, float[] losses, double accuracy) =>
        OfRest(header, steps, rates, losses, accuracy).AsSpan().SequenceEqual(_hashes.AsSpan(_hashes.Length - Bytes));

    /// <summary>All hashes, with that of all else behind those of θ.</summary>
    public byte[] Complete(ReadOnlySpan<byte> header, int[] steps, double[] rates, float[] losses, double accuracy)
    {
        OfRest(header, steps, rates, losses, accuracy).CopyTo(_hashes, _hashes.Length - Bytes);
        return _hashes;
    }

    /// <summary>The place of the first NaN or infinity, or −1.</summary>
    public static int IndexOfNotFinite<T>(ReadOnlySpan<T> values) where T : unmanaged, IFloatingPointIeee754<T>
    {
        for (int i = 0; i < values.Length; i++)
        {
            if (!T.IsFinite(values[i]))
                return i;
        }
        return -1;
    }

    private byte[] OfRest(ReadOnlySpan<byte> header, int[] steps, double[] rates, float[] losses, double accuracy)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(header);
        hash.AppendData(MemoryMarshal.AsBytes<int>(steps));
        hash.AppendData(MemoryMarshal.AsBytes<double>(rates));
        hash.AppendData(MemoryMarshal.AsBytes<float>(losses));
        hash.AppendData(MemoryMarshal.AsBytes<double>(new ReadOnlySpan<double>(in accuracy)));
        hash.AppendData(_hashes.AsSpan(0, _hashes.Length - Bytes));
        return hash.GetHashAndReset();
    }
}
