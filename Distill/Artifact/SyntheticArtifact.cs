using System.Collections.Immutable;
using InfMatch.Datasets;
using InfMatch.Methods;
using InfMatch.Tensors;
using InfMatch.Tensors.IO;

namespace InfMatch.Distill;

/// <summary>The accuracy that a set claims.</summary>
/// <param name="Accuracy">Over the networks that were trained on it.</param>
/// <param name="Environment">Processor or device, precision and build: where it is the same, the bits are.</param>
/// <param name="Best">Mean and deviation at the best epochs, as told with one digit; null where none was looked for.</param>
internal sealed record Claim(Accuracy Accuracy, string Environment, (double Mean, double Std)? Best)
{
    /// <summary>What decides the bits of an evaluation, apart from the settings.</summary>
    public static string EnvironmentOf(Backend backend)
    {
        string device = backend is CpuBackend
            ? $"{backend.Name} {CpuBackend.ProcessorName}, {EnvironmentReport.Simd}"
            : $"{backend.Name} {backend.Description}";
        return $"{device}, {Precisions.NameOf(backend.Precision)}, {EnvironmentReport.Version} {EnvironmentReport.Commit}";
    }
}

/// <summary>A distilled set with all that its file says; <see cref="ArtifactReader"/> has checked every part.</summary>
internal sealed record SyntheticArtifact
{
    /// <summary>The file.</summary>
    public required string Source { get; init; }

    /// <summary>The version of the format: 1 or 2.</summary>
    public required int Version { get; init; }

    /// <summary>float32 [n, C, H, W]: standardised, and whitened where there is a whitening.</summary>
    public required NamedArray Images { get; init; }

    /// <summary>float32 [n, M], or [n, f², M] where each tile has a label.</summary>
    public required NamedArray LabelLogits { get; init; }

    /// <summary>softmax of the logits, in their shape.</summary>
    public required float[] SoftLabels { get; init; }

    /// <summary>The class of each image [n].</summary>
    public required int[] Labels { get; init; }

    /// <summary>The parts of S behind images and label logits: float32 [n, …].</summary>
    public IReadOnlyList<NamedArray> OtherParts { get; init; } = [];

    /// <summary>The numbers of S by name.</summary>
    public required IReadOnlyDictionary<string, double> Numbers { get; init; }

    /// <summary>α; 1 where the method has none.</summary>
    public double Weight => Numbers.GetValueOrDefault(SyntheticSet.WeightNumber, 1);

    /// <summary>The rate to train with.</summary>
    public required double Rate { get; init; }

    /// <summary>M names.</summary>
    public required IReadOnlyList<string> ClassNames { get; init; }

    /// <summary>How pixels become numbers.</summary>
    public required Standardisation Standardisation { get; init; }

    /// <summary>What follows the standardisation, or null.</summary>
    public required ZcaWhitening? Whitening { get; init; }

    /// <summary>An image holds factor² images, each enlarged when it is used (IDC, Kim et al., ICML 2022).</summary>
    public required int Factor { get; init; }

    /// <summary>What it was made and evaluated with; null in version 1.</summary>
    public required RunSettings? Settings { get; init; }

    /// <summary>What it claims; null where nothing was measured, and in version 1.</summary>
    public required Claim? Claim { get; init; }

    /// <summary>What the file does not say, for people; empty in version 2.</summary>
    public required IReadOnlyList<string> Missing { get; init; }

    /// <summary>All texts of the file.</summary>
    public required IReadOnlyDictionary<string, string> Metadata { get; init; }

    /// <summary>n.</summary>
    public int Count => Images.Dimensions[0];

    /// <summary>[C, H, W].</summary>
    public Shape Image => new(Images.Dimensions[1..]);

    /// <summary>M.</summary>
    public int Classes => LabelLogits.Dimensions[^1];

    /// <summary>Labels of an image: 1, or f² where each tile has one.</summary>
    public int LabelsEach => LabelLogits.Dimensions.Length == 2 ? 1 : LabelLogits.Dimensions[1];

    /// <summary>The soft labels of an image [M], or of its tiles, one behind the other [f²·M].</summary>
    public ReadOnlySpan<float> SoftLabelsOf(int image) => SoftLabels.AsSpan(image * LabelsEach * Classes, LabelsEach * Classes);

    /// <summary>What the labels of an image give to each class: its label [M], or the mean of those of its tiles.</summary>
    public float[] MeanLabel(int image)
    {
        (int classes, int each) = (Classes, LabelsEach);
        ReadOnlySpan<float> labels = SoftLabelsOf(image);
        var mean = new float[classes];
        for (int i = 0; i < labels.Length; i++)
            mean[i % classes] += labels[i] / each;
        return mean;
    }

    /// <summary>The data set's name.</summary>
    public string Dataset => Metadata["dataset"];

    /// <summary>Reads and checks a file.</summary>
    /// <exception cref="DistillException">It is missing, or no distilled set, or not what it says.</exception>
    /// <exception cref="SafetensorsException">It is damaged.</exception>
    public static SyntheticArtifact Read(string path) => File.Exists(path)
        ? ArtifactReader.Check(Safetensors.Read(path))
        : throw new DistillException(
            ExitCode.Data, "IM3021",
            $"the set {path} {(Directory.Exists(path) ? "is a folder" : "does not exist")}. Name a file such as runs/…/synthetic/ipc10.safetensors.");

    /// <summary>S on a backend, as it was learned.</summary>
    public SyntheticSet ToSet(Backend backend) => ToSet(backend, Images.AsFloat32());

    /// <summary>The same with other images [n, C, H, W] in the place of its own.</summary>
    public SyntheticSet ToSet(Backend backend, ReadOnlySpan<float> images) => new(
    [
        new(SyntheticSet.ImagesPart, Tensor.From(backend, images, new Shape(Images.Dimensions))),
        .. OtherParts.Prepend(LabelLogits).Select(part => new SyntheticPart(
            part.Name, Tensor.From(backend, part.AsFloat32(), new Shape(part.Dimensions)))),
    ])
    {
        Numbers = Numbers.ToImmutableSortedDictionary(StringComparer.Ordinal),
        Factor = Factor,
    };
}
