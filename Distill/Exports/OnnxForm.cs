using InfMatch.Datasets;
using InfMatch.Nn;
using InfMatch.Onnx;
using InfMatch.Tensors.IO;

namespace InfMatch.Distill;

/// <summary>A trained network as a model of ONNX, which takes pixels and does their preprocessing itself.</summary>
internal sealed class OnnxForm : ExportForm
{
    /// <inheritdoc/>
    public override string Name => "onnx";

    /// <inheritdoc/>
    public override string Help => "a trained network for ONNX Runtime";

    /// <summary>Writes a network into a new file.</summary>
    /// <exception cref="DistillException">A file is there already, or the network cannot be translated.</exception>
    /// <exception cref="FileWriteException">The file cannot be written.</exception>
    public static void Write(TrainedNetwork trained, string file)
    {
        if (Path.Exists(file))
        {
            throw new DistillException(
                ExitCode.FileSystem, "IM7010",
                $"{file} exists already and is not overwritten. Name another file with --out, or remove it.");
        }
        var description = new OnnxDescription
        {
            Mean = trained.Standardisation.Mean,
            Deviation = trained.Standardisation.Std,
            WhiteningMean = trained.Whitening is { } zca ? zca.Mean.ToArray() : default,
            WhiteningMatrix = trained.Whitening is { } by ? by.Matrix.ToArray() : default,
            Classes = trained.Classes,
            Metadata = trained.Texts,
        };
        try
        {
            AtomicFile.Write(file, stream => OnnxModel.Write(stream, trained.Network, trained.Theta, description));
        }
        catch (NotSupportedException e)
        {
            throw new DistillException(ExitCode.Usage, "IM2021", e.Message, e);
        }
    }
}

/// <summary>A network with what it needs to be used elsewhere.</summary>
/// <param name="Network">What is computed.</param>
/// <param name="Theta">Its parameters θ [p].</param>
/// <param name="Accuracy">Its accuracy on the test images, in percent.</param>
internal sealed record TrainedNetwork(Network Network, float[] Theta, double Accuracy)
{
    /// <summary>How pixels become numbers.</summary>
    public required Standardisation Standardisation { get; init; }

    /// <summary>What follows the standardisation, or null.</summary>
    public required ZcaWhitening? Whitening { get; init; }

    /// <summary>M names.</summary>
    public required IReadOnlyList<string> Classes { get; init; }

    /// <summary>Which images its accuracy is of.</summary>
    public required string Images { get; init; }

    /// <summary>What else the file says, by name.</summary>
    public required IReadOnlyDictionary<string, string> Texts { get; init; }
}
