using InfMatch.Datasets;
using InfMatch.Onnx;
using InfMatch.Tensors;

namespace InfMatch.Distill;

/// <summary>Feature vectors of image files by frozen models of ONNX, run one behind the other: what one gives the next one takes. The first
/// takes pixels 0 to 255 [1, 3, H, H], red, green and blue.</summary>
internal sealed class ImageEncoder : IDisposable
{
    private readonly Backend _backend;
    private readonly OnnxProgram[] _programs;
    private readonly int _side;

    /// <summary>Reads the models.</summary>
    /// <exception cref="OnnxModelException">One cannot be computed here, or the first does not take images of one size.</exception>
    public ImageEncoder(Backend backend, IReadOnlyList<ModelFile> models)
    {
        _backend = backend;
        (_programs, _side) = Open(backend, models, DType.Float32);
    }

    /// <summary>The models, read, and the side of the square that the first takes.</summary>
    /// <exception cref="OnnxModelException">One cannot be computed here, or the first does not take images of one size.</exception>
    public static (OnnxProgram[] Programs, int Side) Open(Backend backend, IReadOnlyList<ModelFile> models, DType dtype)
    {
        OnnxProgram[] programs = [.. models.Select(m => OnnxProgram.Read(m.Bytes, m.Path, backend, dtype))];
        foreach ((OnnxProgram program, ModelFile model) in programs.Zip(models))
        {
            if (program.Inputs.Count != 1 || program.Outputs.Count != 1)
            {
                throw new OnnxModelException(
                    model.Path, $"an image encoder has one input and one output; this model has {program.Inputs.Count} and {program.Outputs.Count}.");
            }
        }
        IReadOnlyList<int?>? sizes = programs[0].SizesOf(programs[0].Inputs[0]);
        return sizes is [1 or null, 3, { } height, { } width] && height == width
            ? (programs, height)
            : throw new OnnxModelException(
                models[0].Path,
                $"an image encoder takes one image [1, 3, H, H]; this model takes [{string.Join(", ", sizes?.Select(s => $"{s}") ?? [])}].");
    }

    /// <summary>The side of the square that images are brought to.</summary>
    public int Side => _side;

    /// <summary>Feature vectors [n, F] of files, one row each, on all threads.</summary>
    /// <exception cref="DatasetException">A file is missing or at fault.</exception>
    /// <exception cref="OnnxModelException">A model does not fit.</exception>
    public float[][] Encode(IReadOnlyList<string> files)
    {
        using var scope = TensorScope.Begin();
        return Array.ConvertAll(scope.InParallel(_backend, files.Count, i => [Encode(files[i])]), t => t[0].ToArray<float>());
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (OnnxProgram program in _programs)
            program.Dispose();
    }

    private Tensor Encode(string file)
    {
        CheckedImage image = ImageFile.Read(file, DecodeLimits.Default);
        var planes = new byte[3 * _side * _side];
        Resampling.ToSquare(ImageFile.Decode(image, file), image.Height, image.Width, _side, planes);
        OnnxValue value = OnnxValue.Of(Tensor.From<float>(
            _backend, Array.ConvertAll(planes, p => (float)p), new Shape(1, 3, _side, _side)));
        foreach (OnnxProgram program in _programs)
            value = program.Run(new Dictionary<string, OnnxValue>(StringComparer.Ordinal) { [program.Inputs[0]] = value })[0];
        return value.Numbers.Value.Clone();
    }
}
