using Parquet;
using Parquet.Schema;
using ParquetSharp;

namespace InfMatch.Tests.Distill;

/// <summary>A row of an exported parquet file.</summary>
internal sealed record ParquetRow(byte[] Png, string Path, long Label, float[] Soft)
{
    /// <summary>The rows without their soft labels as Parquet.Net reads them, which wrote them; its reader of lists is internal.</summary>
    public static IReadOnlyList<ParquetRow> Read(string file) => ReadAsync(file).GetAwaiter().GetResult();

    /// <summary>The rows and texts as Apache Arrow's own reader gives them, on which pyarrow is built.</summary>
    public static (IReadOnlyList<ParquetRow> Rows, IReadOnlyDictionary<string, string> Texts) ReadByArrow(string file)
    {
        using var reader = new ParquetFileReader(file);
        using RowGroupReader group = reader.RowGroup(0);
        int rows = checked((int)group.MetaData.NumRows);
        string[] paths = [.. Enumerable.Range(0, reader.FileMetaData.NumColumns).Select(i =>
            reader.FileMetaData.Schema.Column(i).Path.ToDotString())];
        Assert.Equal(["image.bytes", "image.path", "label", "soft_label.list.element"], paths, StringComparer.Ordinal);
        byte[][] png = Bytes(group.Column(0), rows);
        string[] names = [.. Bytes(group.Column(1), rows).Select(System.Text.Encoding.UTF8.GetString)];
        using var labels = group.Column(2).LogicalReader<long>();
        using var soft = group.Column(3).LogicalReader<float[]>();
        long[] label = labels.ReadAll(rows);
        float[][] softs = soft.ReadAll(rows);
        return (
            [.. Enumerable.Range(0, rows).Select(i => new ParquetRow(png[i], names[i], label[i], softs[i]))],
            reader.FileMetaData.KeyValueMetadata);
    }

    private static byte[][] Bytes(ColumnReader column, int rows)
    {
        using var typed = (ColumnReader<ByteArray>)column;
        var values = new ByteArray[rows];
        short[] definitions = new short[rows], repetitions = new short[rows];
        Assert.Equal(rows, typed.ReadBatch(rows, definitions, repetitions, values, out long read));
        Assert.Equal(rows, read);
        return [.. values.Select(value =>
        {
            var bytes = new byte[value.Length];
            System.Runtime.InteropServices.Marshal.Copy(value.Pointer, bytes, 0, bytes.Length);
            return bytes;
        })];
    }

    private static async Task<IReadOnlyList<ParquetRow>> ReadAsync(string file)
    {
        await using ParquetReader reader = await ParquetReader.CreateAsync(file);
        Assert.Equal(1, reader.RowGroupCount);
        using ParquetRowGroupReader group = reader.OpenRowGroupReader(0);
        int rows = checked((int)group.RowCount);
        DataField[] fields = reader.Schema.DataFields;
        var png = new byte[rows][];
        var paths = new string[rows];
        await group.ReadAsync(fields[0], png);
        await group.ReadAsync(fields[1], paths);
        var label = new long[rows];
        await group.ReadAsync<long>(fields[2], label);
        return [.. Enumerable.Range(0, rows).Select(i => new ParquetRow(png[i], paths[i], label[i], []))];
    }
}
