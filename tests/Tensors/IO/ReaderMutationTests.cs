using InfMatch.Tensors.IO;

namespace InfMatch.Tests.IO;

/// <summary>Damages valid files in 20,000 seeded ways: a reader may only succeed or throw what it documents.</summary>
public class ReaderMutationTests
{
    private static readonly NamedArray[] s_arrays =
    [
        ArrayGen.Make("images", ArrayElement.Float32, [2, 3, 4], 1),
        ArrayGen.Make("labels", ArrayElement.Int64, [2], 2),
        ArrayGen.Make("soft", ArrayElement.Float64, [2, 2], 3),
        ArrayGen.Make("raw", ArrayElement.UInt8, [5], 4),
    ];

    private static readonly Dictionary<string, string> s_metadata = new(StringComparer.Ordinal) { ["seed"] = "0" };

    [Fact]
    public void Safetensors_survives_mutations() => MutationAttack.Run(
        Bytes(stream => Safetensors.Write(stream, s_arrays, s_metadata)),
        stream => Safetensors.Read(stream), seed: 11, typeof(SafetensorsException));

    [Fact]
    public void Npy_survives_mutations() => MutationAttack.Run(
        Bytes(stream => Npy.Write(stream, s_arrays[0])),
        stream => Npy.Read(stream, "x"), seed: 12, typeof(NpyException));

    [Theory]
    [InlineData(NpzCompression.Stored)]
    [InlineData(NpzCompression.Deflated)]
    public void Npz_survives_mutations(NpzCompression compression) => MutationAttack.Run(
        Bytes(stream => Npz.Write(stream, s_arrays, compression)),
        stream => Npz.Read(stream), seed: 13, typeof(NpyException));

    private static byte[] Bytes(Action<Stream> write)
    {
        using MemoryStream stream = new();
        write(stream);
        return stream.ToArray();
    }
}
