using System.Globalization;
using System.Text.Json;
using InfMatch.Tensors.IO;
using SkiaSharp;

namespace InfMatch.Tests.Distill;

/// <summary>Reads an exported folder back from its files alone.</summary>
internal sealed record ExportedSet
{
    /// <summary>float32 [n, C, H, W]; null where only pixels were exported.</summary>
    public float[]? Images { get; init; }

    public required byte[] Pixels { get; init; }

    public required int[] Labels { get; init; }

    public required float[] SoftLabels { get; init; }

    public float[]? ZcaMatrix { get; init; }

    /// <summary>metadata.json.</summary>
    public required JsonElement Metadata { get; init; }

    public static ExportedSet Read(string folder)
    {
        JsonElement metadata = JsonDocument.Parse(File.ReadAllText(Path.Combine(folder, "metadata.json"))).RootElement;
        string npz = Path.Combine(folder, "set.npz"), safetensors = Path.Combine(folder, "set.safetensors");
        return File.Exists(npz) ? OfArrays(Npz.Read(npz), metadata)
            : File.Exists(safetensors) ? OfArrays(Safetensors.Read(safetensors), metadata)
            : Directory.Exists(Path.Combine(folder, "data")) ? OfParquet(folder, metadata)
            : OfPictures(folder, metadata);
    }

    private static ExportedSet OfArrays(ArraySet arrays, JsonElement metadata)
    {
        Assert.Equal(arrays["lr"].AsFloat64()[0], metadata.GetProperty("lr").GetDouble());
        string weight = arrays.TryGet("weight", out _) ? "weight" : "mass"; // as earlier versions called it
        Assert.Equal(arrays[weight].AsFloat64()[0], metadata.GetProperty(weight).GetDouble());
        if (arrays.TryGet("metadata", out NamedArray? text))
            Assert.True(JsonElement.DeepEquals(metadata, JsonDocument.Parse(text.AsUInt8().ToArray()).RootElement));
        return new ExportedSet
        {
            Images = arrays["images"].AsFloat32().ToArray(),
            Pixels = arrays["images_u8"].AsUInt8().ToArray(),
            Labels = arrays["labels"].AsInt32().ToArray(),
            SoftLabels = arrays["soft_labels"].AsFloat32().ToArray(),
            ZcaMatrix = arrays.TryGet("zca_matrix", out NamedArray? zca) ? zca.AsFloat32().ToArray() : null,
            Metadata = metadata,
        };
    }

    private static ExportedSet OfPictures(string folder, JsonElement metadata)
    {
        string[][] labels = Rows(Path.Combine(folder, "labels.csv")), soft = Rows(Path.Combine(folder, "soft_labels.csv"));
        Assert.Equal(labels.Select(r => r[0]), soft.Select(r => r[0]), StringComparer.Ordinal);
        var pixels = new List<byte>();
        foreach (string[] row in labels)
            pixels.AddRange(Decode(Path.Combine(folder, row[0])));
        string zca = Path.Combine(folder, "zca.npz");
        return new ExportedSet
        {
            Pixels = [.. pixels],
            Labels = [.. labels.Select(r => int.Parse(r[1], CultureInfo.InvariantCulture))],
            SoftLabels = [.. soft.SelectMany(r => r[1..].Select(v => float.Parse(v, CultureInfo.InvariantCulture)))],
            ZcaMatrix = File.Exists(zca) ? Npz.Read(zca)["zca_matrix"].AsFloat32().ToArray() : null,
            Metadata = metadata,
        };
    }

    private static ExportedSet OfParquet(string folder, JsonElement metadata)
    {
        IReadOnlyList<ParquetRow> rows = ParquetRow.ReadByArrow(Path.Combine(folder, "data", "train-00000-of-00001.parquet")).Rows;
        string zca = Path.Combine(folder, "zca.npz");
        return new ExportedSet
        {
            Pixels = [.. rows.SelectMany(row => Decode(row.Png))],
            Labels = [.. rows.Select(row => (int)row.Label)],
            SoftLabels = [.. rows.SelectMany(row => row.Soft)],
            ZcaMatrix = File.Exists(zca) ? Npz.Read(zca)["zca_matrix"].AsFloat32().ToArray() : null,
            Metadata = metadata,
        };
    }

    // Without quoted fields: those of the numbers.
    private static string[][] Rows(string path) => [.. File.ReadAllLines(path).Skip(1).Select(l => l.Split(','))];

    private static byte[] Decode(string path) => Decode(File.ReadAllBytes(path));

    private static byte[] Decode(byte[] png)
    {
        using SKBitmap bitmap = SKBitmap.Decode(png);
        SKColor[] colours = bitmap.Pixels;
        return bitmap.ColorType == SKColorType.Gray8
            ? [.. colours.Select(c => c.Red)]
            : [.. colours.Select(c => c.Red), .. colours.Select(c => c.Green), .. colours.Select(c => c.Blue)];
    }
}
