using CsCheck;
using InfMatch.Tensors;
using InfMatch.Tensors.IO;

namespace InfMatch.Tests.IO;

/// <summary>Arbitrary arrays: every element type, ranks 0 to 4, sizes 0 to 5, any finite bits.</summary>
internal static class ArrayGen
{
    public static readonly Gen<NamedArray[]> Sets =
        Gen.Select(Gen.Int[0, ArrayElements.Kept.Count - 1].Select(i => ArrayElements.Kept[i]), Gen.Int[0, 5].Array[0, 4], Gen.ULong).Array[0, 6]
            .Select(parts => parts.Select((p, k) => Make($"array.{k}/ü", p.Item1, p.Item2, p.Item3)).ToArray());

    public static NamedArray Make(string name, ArrayElement element, int[] dimensions, ulong seed)
    {
        int count = dimensions.Aggregate(1, (a, b) => a * b);
        RandomKey key = RandomKey.FromSeed(seed);
        double[] normal = new double[count];
        key.Normal(normal);
        if (count > 2)
            (normal[0], normal[1]) = (-0.0, double.Epsilon);
        return element switch
        {
            ArrayElement.Float32 => NamedArray.From(name, dimensions, Array.ConvertAll(normal, v => (float)v)),
            ArrayElement.Float64 => NamedArray.From(name, dimensions, normal),
            ArrayElement.Int32 => NamedArray.From(name, dimensions, Array.ConvertAll(normal, v => (int)(v * 1e8))),
            ArrayElement.Int64 => NamedArray.From(name, dimensions, Array.ConvertAll(normal, v => (long)(v * 1e18))),
            _ => NamedArray.From(name, dimensions, Array.ConvertAll(normal, v => (byte)(Math.Abs(v) * 29))),
        };
    }

    public static byte[] BytesOf(NamedArray array)
    {
        using MemoryStream stream = new();
        array.WriteTo(stream);
        return stream.ToArray();
    }

    public static void AssertEqual(NamedArray expected, NamedArray actual)
    {
        Assert.Equal(expected.ToString(), actual.ToString());
        Assert.Equal(expected.Dimensions.ToArray(), actual.Dimensions.ToArray());
        Assert.Equal(expected.Element, actual.Element);
        Assert.Equal(BytesOf(expected), BytesOf(actual));
    }
}
