using InfMatch.Autograd;
using InfMatch.Datasets;
using InfMatch.Influence;
using InfMatch.Nn;
using InfMatch.Tensors;
using InfMatch.Tensors.IO;

namespace InfMatch.Distill;

/// <summary>
/// The features of real and synthetic images: the penultimate embedding (<see cref="NetworkFeatures.Embedding"/>) under
/// the last parameters of a run's first expert, which learned the real images.
/// </summary>
internal sealed class FeatureStudy : IDisposable
{
    private const int MostReal = 200, MostClasses = 20, FewestReal = 3;

    private readonly RecordedRun _run;
    private readonly DatasetPair _pair;
    private readonly Backend _backend;
    private readonly Network _network;
    private readonly Tensor _theta;
    private readonly Dictionary<int, ClassEmbedding> _embeddings = [];
    private readonly RandomKey _key = RandomKey.FromSeed(0).Split("features");

    private FeatureStudy(RecordedRun run, DatasetPair pair, Backend backend, Network network, Tensor theta) =>
        (_run, _pair, _backend, _network, _theta) = (run, pair, backend, network, theta);

    /// <summary>What a run's file tells if it is of its sets; else null.</summary>
    public static FeatureFile? Kept(RecordedRun run)
    {
        if (!File.Exists(run.Files.Features))
            return null;
        try
        {
            FeatureFile kept = FeatureFile.Read(run.Files.Features);
            return run.Sizes.All(ipc => run.Set(ipc) is not { } set
                || kept.Sets.Any(s => s.Ipc == ipc && s.SetSha256 == set.Metadata.GetValueOrDefault("set_sha256")))
                ? kept
                : null;
        }
        catch (DistillException e)
        {
            run.AddProblem(e.Message);
            return null;
        }
    }

    /// <summary>The features of a run's sets, which are kept in its folder.</summary>
    /// <exception cref="DistillException">The data or the expert are others than the run's.</exception>
    /// <exception cref="ArrayFileException">The expert's file is damaged.</exception>
    public static FeatureFile? Make(RecordedRun run, DatasetPair pair, Backend backend, CancellationToken cancel)
    {
        SyntheticArtifact[] sets = [.. run.Sizes.Select(run.Set).OfType<SyntheticArtifact>()];
        if (run.Settings is not { } settings || sets.Length == 0)
            return null;
        if (sets.FirstOrDefault(s => s.Metadata.GetValueOrDefault("dataset_sha256") != pair.Train.ContentHash()) is { } other)
        {
            throw new DistillException(
                ExitCode.Data, "IM3066", $"{other.Source} was made of other training images than those of {pair.Name} here.");
        }
        pair = pair.With(sets[0].Standardisation);
        using var scope = TensorScope.Begin();
        Network network = PlanFactory.NetworkOf(settings, pair.Train.ImageShape, pair.Train.Classes, settings.Width);
        string file = ExpertLibrary.FileOf(settings.ExpertsFrom ?? run.Files.Experts, 0);
        using var trajectory = TrajectoryFile.Open(file);
        if (trajectory.ParameterCount != network.Layout.Count)
        {
            throw new DistillException(
                ExitCode.Data, "IM3067",
                $"{file} has {trajectory.ParameterCount} parameters, {network.Name} {network.Layout.Count}: it is no expert of this run.");
        }
        Tensor theta = trajectory.Theta(trajectory.Count - 1, backend, DType.Float32);
        using var study = new FeatureStudy(run, pair, backend, network, theta);
        var made = new FeatureFile(network.Name, 0, [.. sets.Select(set => study.Of(set, cancel)).OfType<SetFeatures>()]);
        if (made.Sets.Count == 0)
            return null;
        made.Save(run.Files.Features);
        return made;
    }

    /// <inheritdoc/>
    public void Dispose() => _theta.Dispose();

    private SetFeatures? Of(SyntheticArtifact set, CancellationToken cancel)
    {
        int classes = Math.Min(MostClasses, set.Classes), ipc = set.Count / set.Classes;
        if (Enumerable.Range(0, classes).Any(c => _pair.Train.CountOfClass(c) < FewestReal))
            return null;
        float[][] after = Embed(set, set.Images.AsFloat32().ToArray());
        float[][]? before = Start(set, ipc) is { } start ? Embed(set, start) : null;
        var found = new List<ClassFeatures>();
        for (int label = 0; label < classes; label++)
        {
            cancel.ThrowIfCancellationRequested();
            ClassEmbedding real = Real(label, set);
            found.Add(new ClassFeatures(
                real.Plane(), real.Explained, before is null ? null : real.Place(OfClass(before, label, set.Classes)),
                real.Place(OfClass(after, label, set.Classes))));
        }
        return new SetFeatures(ipc, set.Metadata["set_sha256"], found);
    }

    private static float[][] OfClass(float[][] images, int label, int classes) =>
        images[(label * images.Length / classes)..((label + 1) * images.Length / classes)];

    // Evenly spread over the images of the class.
    private ClassEmbedding Real(int label, SyntheticArtifact set)
    {
        if (_embeddings.TryGetValue(label, out ClassEmbedding? known))
            return known;
        ReadOnlySpan<int> all = _pair.Train.IndicesOfClass(label).AsSpan();
        int count = Math.Min(MostReal, all.Length);
        var chosen = new int[count];
        for (int i = 0; i < count; i++)
            chosen[i] = all[(int)((long)i * all.Length / count)];
        using var scope = TensorScope.Begin();
        (Tensor images, int[] _) = PreparedData.Copy(_pair.Train, chosen, _backend);
        set.Whitening?.Apply(images);
        return _embeddings[label] = new ClassEmbedding(Embed(images), _key.Split((ulong)label));
    }

    // The picture of the start holds its pixels as bytes: of real images all there is, of noise what is between black
    // and white.
    private float[]? Start(SyntheticArtifact set, int ipc)
    {
        string path = _run.Files.Picture(ipc, "before");
        if (!File.Exists(path) || _run.Evaluation is not null || set.Image[0] is not (1 or 3))
            return null;
        byte[] pixels;
        try
        {
            pixels = GridLayout.ReadImages(path, (set.Image[0], set.Image[1], set.Image[2]), set.Classes);
        }
        catch (DistillException e)
        {
            _run.AddProblem(e.Message);
            return null;
        }
        var images = new float[pixels.Length];
        set.Standardisation.Apply(pixels, set.Image[1] * set.Image[2], images);
        if (set.Whitening is not { } whitening)
            return images;
        using var scope = TensorScope.Begin();
        Tensor whitened = Tensor.From<float>(_backend, images, ShapeOf(set, images.Length));
        whitening.Apply(whitened);
        return whitened.ToArray<float>();
    }

    private static Shape ShapeOf(SyntheticArtifact set, int numbers) =>
        new([numbers / set.Image.Count, .. set.Image.Sizes]);

    private float[][] Embed(SyntheticArtifact set, float[] images)
    {
        using var scope = TensorScope.Begin();
        using IDisposable off = Recording.Off();
        Tensor stored = Tensor.From<float>(_backend, images, ShapeOf(set, images.Length));
        return Embed(Variable.Constant(stored).EnlargeTiles(set.Factor).Value);
    }

    private float[][] Embed(Tensor images)
    {
        using IDisposable off = Recording.Off();
        int n = images.Shape[0], row = images.Count / n, atOnce = Evaluation.ImagesAtOnce(_network);
        var found = new float[n][];
        int[] sizes = images.Shape.Sizes.ToArray();
        for (int start = 0; start < n; start += atOnce)
        {
            using var scope = TensorScope.Begin();
            sizes[0] = Math.Min(atOnce, n - start);
            Variable batch = Variable.Constant(images.View(start * row, new Shape(sizes)));
            float[] values = _network.Features(Variable.Constant(_theta), batch).Embedding.Value.ToArray<float>();
            int each = values.Length / sizes[0];
            for (int i = 0; i < sizes[0]; i++)
                found[start + i] = values[(i * each)..((i + 1) * each)];
        }
        return found;
    }
}
