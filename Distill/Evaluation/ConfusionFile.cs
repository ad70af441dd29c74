using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using InfMatch.Tensors.IO;

namespace InfMatch.Distill;

/// <summary>A column of a row with its counts.</summary>
/// <param name="Ipc">Images per class.</param>
/// <param name="Column">The key of a <see cref="ResultColumn"/>, as in summary.json.</param>
/// <param name="Matrix">The counts.</param>
internal sealed record ColumnConfusion(int Ipc, string Column, ConfusionMatrix Matrix)
{
    /// <summary>The network, where several evaluated.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Network { get; init; }
}

/// <summary>confusion.json: for each set and column of a run or an evaluation how often test images of one class were taken for
/// another.</summary>
internal sealed record ConfusionFile
{
    /// <summary>Its name in a run folder.</summary>
    public const string FileName = "confusion.json";

    /// <summary>The names of the classes, in the order of rows and columns.</summary>
    public required IReadOnlyList<string> Classes { get; init; }

    /// <summary>The columns, in the order in which they were evaluated.</summary>
    public required IReadOnlyList<ColumnConfusion> Columns { get; init; }

    /// <summary>The counts of a column; null where there are none.</summary>
    public ConfusionMatrix? Of(int ipc, string column, string? network = null) =>
        Columns.FirstOrDefault(c => (c.Ipc, c.Column, c.Network) == (ipc, column, network))?.Matrix;

    /// <summary>The file with a column more, or in the place of an earlier one.</summary>
    public ConfusionFile With(ColumnConfusion column) => this with
    {
        Columns =
        [
            .. Columns.Where(c => (c.Ipc, c.Column, c.Network) != (column.Ipc, column.Column, column.Network)), column,
        ],
    };

    /// <summary>The file of a run folder, or one without columns where there is none.</summary>
    /// <exception cref="DistillException">It is no such file, damaged, or of other classes.</exception>
    public static ConfusionFile Open(string folder, IReadOnlyList<string> classes)
    {
        string path = Path.Combine(folder, FileName);
        if (!File.Exists(path))
            return new ConfusionFile { Classes = classes, Columns = [] };
        ConfusionFile read = Read(path);
        return read.Classes.SequenceEqual(classes, StringComparer.Ordinal)
            ? read
            : throw Damaged(path, "its classes are not those of the data.");
    }

    /// <summary>Reads a file.</summary>
    /// <exception cref="DistillException">It is no such file, or damaged.</exception>
    public static ConfusionFile Read(string path)
    {
        try
        {
            (ConfusionFile read, bool hasHash) = SealedJson.Read<ConfusionFile>(path);
            if (!hasHash)
                throw new JsonException("it does not state the hash of its content.");
            for (int i = 0; i < read.Columns.Count; i++)
                read.Columns[i].Matrix.RequireAcceptable(read.Classes.Count, $"columns[{i}].matrix");
            return read;
        }
        catch (JsonException e)
        {
            throw Damaged(path, e.Message, e);
        }
    }

    /// <summary>Writes the file into a folder, on one line.</summary>
    public void Save(string folder)
    {
        JsonObject root = JsonSerializer.SerializeToNode(this, JsonText.Options)!.AsObject();
        AtomicFile.WriteAllText(Path.Combine(folder, FileName), SealedJson.Seal(root, isIndented: false) + "\n");
    }

    private static DistillException Damaged(string path, string what, Exception? inner = null) => new(
        ExitCode.Data, "IM3056", $"{path} holds no counts of this run: {what} Delete it; nothing else depends on it.", inner);
}
