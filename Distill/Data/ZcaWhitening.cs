using System.Globalization;
using InfMatch.Autograd;
using InfMatch.Datasets;
using InfMatch.Tensors;
using InfMatch.Tensors.IO;

namespace InfMatch.Distill;

/// <summary>
/// ZCA whitening of standardised images, x ↦ (x − m)·W with W = (C + εI)^−½ and C the unbiased covariance of the training
/// set: what kornia's ZCAWhitening computes, with which MTT (CVPR 2022) and DATM (ICLR 2024) train and test under ε = 0.1.
/// </summary>
internal sealed class ZcaWhitening
{
    /// <summary>The names of m and W in a distilled set's file.</summary>
    public const string MeanName = "zca_mean", MatrixName = "zca_matrix";

    /// <summary>C·H·W up to which whitening is computed: six matrices of that side in float64 take 768 MiB there.</summary>
    public const int MostNumbers = 4096;

    private const string EpsilonKey = "epsilon", DataKey = "dataset_sha256";
    private const int RowsAtOnce = 1024, Matrices = 6;

    // Of a file of an earlier version: data and epsilon.
    private const int OlderTexts = 2;

    private readonly float[] _mean, _matrix;
    private readonly Lazy<WhiteningInverse> _inverse;

    private ZcaWhitening(double epsilon, float[] mean, float[] matrix)
    {
        (Epsilon, _mean, _matrix) = (epsilon, mean, matrix);
        _inverse = new Lazy<WhiteningInverse>(() => new WhiteningInverse(this));
    }

    /// <summary>ε.</summary>
    public double Epsilon { get; }

    /// <summary>d = C·H·W.</summary>
    public int Count => _mean.Length;

    /// <summary>m [d].</summary>
    public ReadOnlySpan<float> Mean => _mean;

    /// <summary>W [d, d].</summary>
    public ReadOnlySpan<float> Matrix => _matrix;

    /// <summary>The way back, computed when it is first asked for.</summary>
    /// <exception cref="DistillException">W is not positive definite.</exception>
    public WhiteningInverse Inverse => _inverse.Value;

    /// <summary>"eps=0.1".</summary>
    public override string ToString() => FormattableString.Invariant($"eps={Epsilon}");

    /// <summary>m and W as a distilled set's file holds them.</summary>
    public IEnumerable<NamedArray> ToArrays() =>
        [NamedArray.From(MeanName, [Count], _mean), NamedArray.From(MatrixName, [Count, Count], _matrix)];

    /// <summary>The memory in bytes that a device needs for it.</summary>
    public static long Memory(Shape image) => (long)Matrices * image.Count * image.Count * sizeof(double);

    /// <summary>The whitening that a distilled set's file holds, from m [d] and W [d, d], which its reader has
    /// checked.</summary>
    public static ZcaWhitening Of(double epsilon, NamedArray mean, NamedArray matrix) =>
        new(epsilon, mean.AsFloat32().ToArray(), matrix.AsFloat32().ToArray());

    /// <summary>The whitening of a training set: read from a folder if it was computed before and is whole, else
    /// computed and kept there.</summary>
    /// <exception cref="DistillException">The images are too large for it.</exception>
    public static ZcaWhitening Get(
        ImageDataset train, double epsilon, Backend backend, string folder, IProgressView progress, CancellationToken cancel)
    {
        RequireFit(train, backend);
        string hash = train.ContentHash();
        string path = PathOf(train, epsilon, folder);
        if (Kept(path, progress) is { } kept
            && kept.Metadata.GetValueOrDefault(DataKey) == hash
            && kept.Metadata.GetValueOrDefault(EpsilonKey) == epsilon.ToString("R", CultureInfo.InvariantCulture)
            && kept.TryGet(MeanName, out NamedArray? mean) && kept.TryGet(MatrixName, out NamedArray? matrix)
            && mean is { Element: ArrayElement.Float32 } && matrix is { Element: ArrayElement.Float32 }
            && mean.Count == train.ImageSize && matrix.Count == train.ImageSize * train.ImageSize)
        {
            return Of(epsilon, mean, matrix);
        }
        using IProgressStage stage = progress.Begin("ZCA whitening of the training set", train.Count + train.ImageSize);
        ZcaWhitening made = Fit(train, epsilon, BackendFor(backend), stage.Report, cancel);
        stage.Report(train.Count + train.ImageSize, made.ToString());
        Directory.CreateDirectory(folder);
        ContentHash.Write(
            path, [.. made.ToArrays()],
            new Dictionary<string, string>(StringComparer.Ordinal)
            {
                [DataKey] = hash, [EpsilonKey] = epsilon.ToString("R", CultureInfo.InvariantCulture),
            });
        return made;
    }

    /// <summary>Where a folder keeps the whitening of a training set.</summary>
    public static string PathOf(ImageDataset train, double epsilon, string folder) => Path.Combine(
        folder,
        FormattableString.Invariant($"zca-{train.Name.Replace(' ', '-')}-{train.ContentHash()[..12]}-eps{epsilon}.safetensors"));

    private static ArraySet? Kept(string path, IProgressView progress)
    {
        if (!File.Exists(path))
            return null;
        try
        {
            ArraySet kept = Safetensors.Read(path);
            if (!ContentHash.Check(kept, OlderTexts))
                progress.Note(OlderFile.Note(path));
            return kept;
        }
        catch (ArrayFileException e)
        {
            progress.Note($"{e.Message} The whitening is computed again.");
            return null;
        }
    }

    /// <summary>Where a whitening is computed for a backend: there, or on the processor where it has no float64.</summary>
    public static Backend BackendFor(Backend backend) => backend.Computes(DType.Float64) ? backend : Backend.Default;

    /// <summary>The whitening of a training set, computed in float64 and rounded once.</summary>
    /// <exception cref="DistillException">The set has fewer than two images.</exception>
    public static ZcaWhitening Fit(
        ImageDataset train, double epsilon, Backend backend, Action<long, string>? report = null,
        CancellationToken cancel = default)
    {
        int d = train.ImageSize, n = train.Count;
        RequireTwo(train);
        double[] mean = MeanOf(train);
        using var scope = TensorScope.Begin();
        Tensor centre = Tensor.From<double>(backend, mean, new Shape(1, d));
        Tensor covariance = Tensor.Full(backend, DType.Float64, new Shape(d, d), 0);
        for (int start = 0; start < n; start += RowsAtOnce)
        {
            cancel.ThrowIfCancellationRequested();
            using var part = TensorScope.Begin();
            Tensor x = Centred(Rows(train, start, Math.Min(RowsAtOnce, n - start)), centre, backend);
            Tensor products = backend.Empty(covariance.Shape, DType.Float64);
            backend.Run(new MatMulCall(x, true, x, false, products));
            covariance = part.Replace(covariance, TensorAlgebra.Axpy(1.0 / (n - 1), products, covariance));
            report?.Invoke(start + x.Shape[0], "covariance");
        }
        var ridge = new double[d * d];
        for (int i = 0; i < d; i++)
            ridge[i * (d + 1)] = epsilon;
        covariance = covariance.Plus(Tensor.From<double>(backend, ridge, covariance.Shape));
        int steps = 0;
        (_, Tensor inverseRoot) = MatrixRoots.Of(covariance, epsilon, () =>
        {
            cancel.ThrowIfCancellationRequested();
            report?.Invoke(n + Math.Min(d, d / 10 * ++steps), $"inverse root, step {steps}");
        });
        return new ZcaWhitening(epsilon, [.. mean.Select(v => (float)v)], inverseRoot.ToArray<float>());
    }

    /// <summary>Whitens standardised images [n, C, H, W] where they stand.</summary>
    public void Apply(Tensor images)
    {
        using var scope = TensorScope.Begin();
        using IDisposable full = FullPrecision.Require();
        Tensor mean = Tensor.From<float>(images.Backend, _mean, new Shape(1, Count));
        Tensor matrix = Tensor.From<float>(images.Backend, _matrix, new Shape(Count, Count));
        int n = images.Shape[0];
        for (int start = 0; start < n; start += RowsAtOnce)
        {
            using var part = TensorScope.Begin();
            var shape = new Shape(Math.Min(RowsAtOnce, n - start), Count);
            Tensor centred = images.Backend.Empty(shape, images.DType), shift = images.Backend.Empty(shape, images.DType);
            images.Backend.Run(new BroadcastToCall(mean, shift));
            images.Backend.Zip<SubtractFunction>(images.View(start * Count, shape), shift, centred);
            images.Backend.Run(new MatMulCall(centred, false, matrix, false, images.View(start * Count, shape)));
        }
    }

    /// <summary>Fails where a training set cannot be whitened on a backend.</summary>
    /// <exception cref="DistillException">It has fewer than two images, or they are too large, for the time or for the
    /// memory.</exception>
    public static void RequireFit(ImageDataset train, Backend backend)
    {
        RequireTwo(train);
        var image = new Shape(train.Channels, train.Height, train.Width);
        if (train.ImageSize > MostNumbers)
        {
            throw new DistillException(
                ExitCode.Usage, "IM2011",
                $"--zca takes matrices of {train.ImageSize}×{train.ImageSize} numbers for images {image}, {ByteSize.Text(Memory(image))} " +
                $"and a multiple of the time; images of up to {MostNumbers} numbers are whitened. Leave --zca out.");
        }
        if (Memory(image) > backend.Memory.Limit)
        {
            throw new DistillException(
                ExitCode.Memory, "IM5004",
                $"--zca needs {ByteSize.Text(Memory(image))} of the memory of {backend.Name}, {ByteSize.Text(backend.Memory.Limit)} " +
                "can be had. Leave --zca out, or raise --memory-limit where it is set.");
        }
    }

    private static void RequireTwo(ImageDataset train)
    {
        if (train.Count < 2)
        {
            throw new DistillException(
                ExitCode.Data, "IM3031", $"{train.Name} has {train.Count} images; a covariance takes two or more. Leave --zca out.");
        }
    }

    private static float[] Rows(ImageDataset set, int first, int count)
    {
        var values = new float[count * set.ImageSize];
        set.Standardise([.. Enumerable.Range(first, count)], values);
        return values;
    }

    private static double[] MeanOf(ImageDataset train)
    {
        var sums = new double[train.ImageSize];
        for (int start = 0; start < train.Count; start += RowsAtOnce)
        {
            float[] values = Rows(train, start, Math.Min(RowsAtOnce, train.Count - start));
            for (int i = 0; i < values.Length; i++)
                sums[i % sums.Length] += values[i];
        }
        return [.. sums.Select(s => s / train.Count)];
    }

    private static Tensor Centred(float[] rows, Tensor centre, Backend backend)
    {
        int d = centre.Shape[1];
        var shape = new Shape(rows.Length / d, d);
        Tensor x = Tensor.From<float>(backend, rows, shape).To(DType.Float64), shift = backend.Empty(shape, DType.Float64);
        backend.Run(new BroadcastToCall(centre, shift));
        return x.Minus(shift);
    }
}
