using System.Security.Cryptography;
using InfMatch.Autograd;
using InfMatch.Datasets;
using InfMatch.Methods;
using InfMatch.Onnx;
using InfMatch.Tensors;

namespace InfMatch.Distill;

/// <summary>A frozen image encoder as a differentiable function of pixels: images [N, 3, H, H] from 0 to 1, red, green and blue, become
/// standardised features [N, F]. Each is brought to the size that the encoder takes, linearly, as a file of an image is.</summary>
internal sealed class PixelEncoder : IDisposable
{
    private readonly IReadOnlyList<ModelFile> _models;
    private readonly FeatureStatistics _by;
    private readonly OnnxProgram[] _programs;
    private readonly int _side, _size;
    private readonly Variable _resampling, _mean, _deviation;

    /// <summary>Reads the models.</summary>
    /// <param name="backend">Where it computes.</param>
    /// <param name="models">The models, one behind the other.</param>
    /// <param name="by">How features are standardised.</param>
    /// <param name="side">H.</param>
    /// <param name="dtype">The type of numbers.</param>
    /// <exception cref="OnnxModelException">One cannot be computed here, or the first does not take images of one size.</exception>
    public PixelEncoder(Backend backend, IReadOnlyList<ModelFile> models, FeatureStatistics by, int side, DType dtype = DType.Float32)
    {
        (_models, _by, _side) = (models, by, side);
        (_programs, _size) = ImageEncoder.Open(backend, models, dtype);
        using IDisposable detached = TensorScope.BeginDetached();
        _resampling = Variable.Constant(Tensor.From(backend, dtype, Resampling.Matrix(side, _size), new Shape(_size, side)));
        Variable Row(float[] values) =>
            Variable.Constant(Tensor.From(backend, dtype, Array.ConvertAll(values, v => (double)v), new Shape(1, values.Length)));
        (_mean, _deviation) = (Row(by.Mean), Row(by.Deviation));
    }

    /// <summary>The SHA-256 of the models' bytes, one behind the other.</summary>
    public string Hash
    {
        get
        {
            using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
            foreach (ModelFile model in _models)
                hash.AppendData(model.Bytes);
            return Convert.ToHexStringLower(hash.GetHashAndReset());
        }
    }

    /// <summary>The models that settings name, or the usual ones.</summary>
    /// <exception cref="DatasetException">A file is not there.</exception>
    public static ModelFile[] ModelsOf(RunSettings settings) =>
        settings.ImageEncoder is { } file ? [ModelFile.Read(file, ".onnx")] : ModelFile.UsualImageEncoder();

    /// <summary>Features [N, F] of pixels [N, 3, H, H], computed again for the derivative; they throw an
    /// <see cref="OnnxModelException"/> where the encoder cannot be computed or differentiated, or gives other features than the
    /// data's.</summary>
    public RecomputedRows Features => new(OfRow, new Shape(_by.Mean.Length));

    /// <summary>The same encoder on another backend.</summary>
    public PixelEncoder On(Backend backend) => new(backend, _models, _by, _side);

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (OnnxProgram program in _programs)
            program.Dispose();
        foreach (Variable constant in (Variable[])[_resampling, _mean, _deviation])
            constant.Value.Dispose();
    }

    private Variable OfRow(Variable image)
    {
        const int Planes = 3, Largest = 255;
        Variable wide = image.Reshape(new Shape(Planes * _side, _side)).MatMul(_resampling, transposeB: true);
        Variable y = Functional.Concat(
            0, [.. Enumerable.Range(0, Planes).Select(c => _resampling.MatMul(wide.Slice(0, (c * _side)..((c + 1) * _side))))]);
        y = (Largest * y).Reshape(new Shape(1, Planes, _size, _size));
        foreach (OnnxProgram program in _programs)
            y = program.Apply(y);
        return y.Shape.Count == _by.Mean.Length
            ? (y.Reshape(_mean.Shape) - _mean) / _deviation
            : throw new OnnxModelException(
                _models[^1].Path,
                $"the encoder makes {y.Shape.Count} features of an image, and those of the data are {_by.Mean.Length}. Name the " +
                "encoder that made the features of the data.");
    }
}
