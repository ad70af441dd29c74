using System.Globalization;
using System.Text.Json;
using InfMatch.Tensors;
using InfMatch.Tensors.IO;

namespace InfMatch.Distill;

/// <summary>A folder in which evaluated networks are kept for all processes: a file for each, named by the hash of all that its content
/// follows from.</summary>
/// <param name="path">The folder.</param>
/// <param name="identity">All that decides what a network reaches, apart from its column and number.</param>
/// <param name="note">Is told of damaged files.</param>
internal sealed class EvaluatedFolder(string path, string identity, Action<string> note)
{
    /// <summary>Its name below --out.</summary>
    public const string Name = "evaluated";

    /// <summary>Where it is below --out.</summary>
    public static string PathIn(string root) => Path.Combine(root, Name);

    /// <summary>What computes, as far as bits depend on it: the build, and the vectors of the processor or the model of the device.
    /// </summary>
    public static string PlaceOf(Backend backend)
    {
        string kind = backend.Name.Split(':')[0]; // one device of a model is as good as the other
        string device = backend is CpuBackend ? EnvironmentReport.Simd : backend.Description.Replace(backend.Name, kind, StringComparison.Ordinal);
        return $"{EnvironmentReport.Version} {EnvironmentReport.Commit}\n{kind} {device}";
    }

    /// <summary>The files of a column.</summary>
    public EvaluatedFiles Of(EvaluatedColumn column) => new(path, identity, column, note);
}

/// <summary>The files of a column's networks in an <see cref="EvaluatedFolder"/>.</summary>
internal sealed class EvaluatedFiles(string folder, string identity, EvaluatedColumn column, Action<string> note)
{
    // Of a hash, enough that no two are equal and a name that can be read in a list.
    private const int LettersOfName = 32;

    private readonly HashSet<int> _damaged = [];

    /// <summary>The file of a network.</summary>
    public string FileOf(int number) => Path.Combine(folder, $"{HashOf(number)[..LettersOfName]}.json");

    /// <summary>What a network reached; null where it is not known, or its file is damaged.</summary>
    public EvaluatedNetwork? Read(int number)
    {
        string file = FileOf(number);
        if (!File.Exists(file))
            return null;
        try
        {
            (KeptNetwork kept, bool hasHash) = SealedJson.Read<KeptNetwork>(file);
            var counts = new ConfusionMatrix(1, kept.Counts);
            counts.RequireAcceptable(kept.Counts.Count, "it");
            if (!hasHash || kept.Of != HashOf(number))
                throw new JsonException("it does not state the hashes of its content and of what it is of.");
            return kept is { Last: >= 0 and <= 100, Best: >= 0 and <= 100 }
                ? new EvaluatedNetwork(kept.Last, kept.Best) { Confusion = counts }
                : throw new JsonException($"{kept.Last} and {kept.Best} are no accuracies in percent.");
        }
        catch (FileNotFoundException)
        {
            return null;
        }
        catch (JsonException e)
        {
            lock (_damaged)
            {
                if (_damaged.Add(number))
                    note($"{file} is damaged and is made again: {e.Message}");
            }
            return null;
        }
    }

    /// <summary>Keeps what a network reached.</summary>
    /// <exception cref="FileWriteException">The file cannot be written.</exception>
    public void Write(int number, EvaluatedNetwork network)
    {
        var kept = new KeptNetwork
        {
            Of = HashOf(number), Network = column.Network, Ipc = column.Ipc, Set = column.Set, Number = number,
            Last = network.Last, Best = network.Best, Counts = network.Confusion!.Counts,
        };
        AtomicFile.WriteAllText(
            FileOf(number), SealedJson.Seal(JsonSerializer.SerializeToNode(kept, JsonText.Options)!.AsObject(), isIndented: false) + "\n");
    }

    private string HashOf(int number) => ArtifactHash.OfText(string.Create(
        CultureInfo.InvariantCulture, $"{identity}\n{column.Network}\n{column.Ipc}\n{column.Set}\n{number}"));
}

/// <summary>The content of the file of an evaluated network.</summary>
internal sealed record KeptNetwork
{
    /// <summary>The hash of all that it follows from.</summary>
    public required string Of { get; init; }

    /// <summary>The network's name.</summary>
    public required string Network { get; init; }

    /// <summary>Images per class.</summary>
    public required int Ipc { get; init; }

    /// <summary>The column.</summary>
    public required string Set { get; init; }

    /// <summary>Which network of its column it is.</summary>
    public required int Number { get; init; }

    /// <summary>The accuracy after the last epoch, in percent.</summary>
    public required double Last { get; init; }

    /// <summary>That of the best of the evaluated epochs, in percent.</summary>
    public required double Best { get; init; }

    /// <summary>[true class][class that was found].</summary>
    public required IReadOnlyList<IReadOnlyList<int>> Counts { get; init; }
}
