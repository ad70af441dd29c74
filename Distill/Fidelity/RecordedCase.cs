using System.Security.Cryptography;
using System.Text;
using InfMatch.Autograd;
using InfMatch.Datasets;
using InfMatch.Influence;
using InfMatch.Nn;
using InfMatch.Tensors;
using InfMatch.Tensors.IO;

namespace InfMatch.Distill;

/// <summary>One recorded training for 'influence': some images of a data set, a network, and every θ of its
/// training.</summary>
internal sealed class RecordedCase : IDisposable
{
    // Larger than logits get, and small enough that float32 still tells them apart without it.
    private const double BeyondLogits = 1e4;

    // Test images by which a rate is chosen.
    private const int MostTried = 2000;

    private readonly FidelitySettings _settings;
    private readonly DatasetPair _pair;

    private RecordedCase(FidelitySettings settings, StudyInput input, RandomKey key, Backend backend)
    {
        DatasetPair pair = input.Pair;
        (_settings, _pair, Key, Backend) = (settings, pair, key, backend);
        if (settings.Examples > pair.Train.Count)
        {
            throw DistillException.BadValue(
                "--examples", $"{settings.Examples}", $"at most the {pair.Train.Count} images of {pair.Train.Name}");
        }
        CheckTestImages();
        Examples = key.Split("examples").Permutation(pair.Train.Count)[..settings.Examples];
        (Tensor images, Labels) = PreparedData.Copy(pair.Train, Examples, backend);
        Given = [.. Labels];
        IsFlipped = new bool[Labels.Length];
        RandomKey flips = key.Split("flips");
        foreach (int i in flips.Split("which").Permutation(Labels.Length)
            .Take((int)Math.Round(settings.FlipLabels * Labels.Length)))
        {
            IsFlipped[i] = true;
            Given[i] = (Labels[i] + 1 + flips.Split("to").Below(Classes - 1, i)) % Classes;
        }
        Data = Labelled(images, Given);
        Network = MakeNetwork();
        int perEpoch = (Examples.Length - 1) / settings.Batch + 1;
        var plan = new TrainingPlan(
            (settings.Steps - 1) / perEpoch + 1, settings.Batch, settings.Rate, settings.Momentum, settings.Decay,
            RateSchedule.Constant)
        {
            MostSteps = settings.Steps,
        };
        if (settings.SearchesRate)
        {
            (Tensor tried, int[] classes) = PreparedData.Copy(
                pair.Test, TestIndices(Math.Min(MostTried, settings.Validation)), backend);
            plan = plan with
            {
                Rate = new RateSearch(Network, Data, plan, key.Split("rate")).Find(
                    tried.To(settings.DType), classes, input.Progress, input.Cancel),
            };
        }
        Folder = FolderOf(input.Folder, Digest($"{Data.ContentHash()} {Network.Name} {plan} {key.Value:x16}"));
        Directory.CreateDirectory(Folder);
        CheckpointSchedule every = CheckpointSchedule.Every(settings.Steps);
        string file = Path.Combine(Folder, "trajectory.safetensors");
        new SharedJobRunner(new LocalJobRunner())
        {
            Waits = _ => input.Progress.Note("Another process records the training; waiting for it."),
        }.Run([new RecordingJob(new ExpertTraining(Network, Data, plan, every, key.Split("expert")), file)], cancel: input.Cancel);
        Expert = Expert.Open(Network, Data, plan, every, key.Split("expert"), file);
        if (Expert.Trajectory.ContentHash is null)
            input.Progress.Note(OlderFile.Note(file));
    }

    /// <summary>Where the trajectory and the results of retrainings are kept; its name says what is trained and
    /// ends with a hash of it.</summary>
    public string Folder { get; }

    /// <summary>Whence everything random of this training comes.</summary>
    public RandomKey Key { get; }

    public Backend Backend { get; }

    public Network Network { get; }

    public Expert Expert { get; }

    /// <summary>D with the labels that are given.</summary>
    public LabelledImages Data { get; }

    /// <summary>The numbers of D's images in the data set.</summary>
    public int[] Examples { get; }

    /// <summary>The true class of each.</summary>
    public int[] Labels { get; }

    /// <summary>The class of each that training is told.</summary>
    public int[] Given { get; }

    /// <summary>Whether the two differ.</summary>
    public bool[] IsFlipped { get; }

    public int Classes => _pair.Train.Classes;

    /// <summary>Records the training, or opens it where it was recorded; a note tells of a file that states no hash.</summary>
    /// <exception cref="DistillException">The data set is too small, the settings do not fit its images, or what was recorded is
    /// of another training.</exception>
    /// <exception cref="ArrayFileException">What was recorded is damaged.</exception>
    /// <exception cref="NumericalException">The loss stops being finite.</exception>
    public static RecordedCase Open(FidelitySettings settings, StudyInput input, RandomKey key, Backend backend)
    {
        try
        {
            return new RecordedCase(settings, input, key, backend);
        }
        catch (TrajectoryException e)
        {
            throw new DistillException(ExitCode.Usage, "IM2006", e.Message, e);
        }
        catch (ShapeException e)
        {
            throw new DistillException(ExitCode.Usage, "IM2005", e.Message, e);
        }
    }

    /// <summary>What estimates read from when influence is asked for after so many steps.</summary>
    public ExampleContext ContextAt(int horizon) =>
        new(Expert, _settings.Field, horizon) { Checkpoints = _settings.Checkpoints };

    /// <summary>Random test images, and after them others for a second purpose.</summary>
    public (LabelledImages First, LabelledImages Second) TestImages(int first, int second)
    {
        int[] drawn = TestIndices(first + second);
        return (Of(drawn[..first]), Of(drawn[first..]));

        LabelledImages Of(int[] indices)
        {
            (Tensor images, int[] labels) = PreparedData.Copy(_pair.Test, indices, Backend);
            return Labelled(images, labels);
        }
    }

    private int[] TestIndices(int count) => Key.Split("test").Permutation(_pair.Test.Count)[..count];

    /// <summary>The trained network on its examples and on the images of <see cref="TestImages"/>.</summary>
    public ScoredNetwork Fit()
    {
        using var scope = TensorScope.Begin();
        Tensor theta = ContextAt(_settings.Steps).Theta(_settings.Steps);
        (Tensor images, int[] labels) = PreparedData.Copy(_pair.Test, TestIndices(_settings.Validation), Backend);
        return new ScoredNetwork(
            Expert.Plan.Rate, _settings.Steps, NetworkFit.Of(Network, theta, Data.Images, Given),
            NetworkFit.Of(Network, theta, images.To(_settings.DType), labels), labels.Length,
            (double)labels.CountBy(l => l).Max(c => c.Value) / labels.Length)
        {
            Classes = Classes,
            WhatHelps = ScoredNetwork.AdviceFor(_settings, _pair.Train.Count),
        };
    }

    /// <summary>All test images and their classes, for accuracy.</summary>
    public (Tensor Images, int[] Labels) AllTestImages()
    {
        (Tensor images, int[] labels) = PreparedData.Copy(_pair.Test, PreparedData.AllOf(_pair.Test), Backend);
        return (images.To(_settings.DType), labels);
    }

    /// <summary>The mean measure of points as a function of θ: the loss, or the log-odds of the true class.</summary>
    public ParameterLoss MeasureOf(LabelledImages points)
    {
        Variable images = Variable.Constant(points.Images), labels = Variable.Constant(points.Labels);
        if (_settings.Measure == "loss")
            return theta => Network.Loss(theta, images, labels);
        // log p_y − log(1 − p_y) = z_y − log Σ_{c≠y} exp z_c; in float32 1 − p_y is 0 long before the margin has an end.
        Variable others = 1 - labels;
        var perPoint = new Shape(points.Count, 1);
        return theta =>
        {
            Variable logits = Network.Forward(theta, images), masked = logits - BeyondLogits * labels;
            Variable sums = (masked - masked.LogSoftmax()) * others * (1.0 / (Classes - 1));
            return (logits * labels - sums).SumTo(perPoint).Mean();
        };
    }

    /// <inheritdoc/>
    public void Dispose() => Expert.Dispose();

    private Network MakeNetwork()
    {
        var image = new Shape(_pair.Train.Channels, _pair.Train.Height, _pair.Train.Width);
        var activation = Enum.Parse<Activation>(_settings.Activation, ignoreCase: true);
        return _settings.Model switch
        {
            "quadratic" => new LinearRegression(image, Classes),
            "convnet" => new ConvNet(image, Classes, _settings.Width, _settings.Depth, activation),
            "mlp" => new Mlp(image, Classes, [128, 64], activation),
            _ => new Mlp(image, Classes, []),
        };
    }

    private LabelledImages Labelled(Tensor images, int[] labels) => new(
        images.To(_settings.DType), LabelledImages.OneHot(Backend, _settings.DType, labels, Classes));

    // Before anything is trained.
    private void CheckTestImages()
    {
        (int validation, int points, ImageDataset set) = (_settings.Validation, _settings.TestPoints, _pair.Test);
        if (points >= set.Count)
        {
            throw DistillException.BadValue(
                "--test-points", $"{points}", $"fewer than the {set.Count} images of {set.Name}, of which --validation takes others");
        }
        if (validation > set.Count - points)
        {
            throw DistillException.BadValue(
                "--validation", $"{validation}",
                $"at most {set.Count - points}: {set.Name} has {set.Count} images, and --test-points takes {points}");
        }
    }

    // Earlier versions named the folder by the digest alone; what lies there is not trained again.
    private string FolderOf(string parent, string digest)
    {
        string older = Path.Combine(parent, digest);
        string set = string.Concat(_pair.Name.Select(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '.' ? c : '-'));
        return Directory.Exists(older)
            ? older
            : Path.Combine(
                parent,
                FormattableString.Invariant(
                    $"{set}_{_settings.Model}_{_settings.Examples}-examples_{_settings.Steps}-steps_{digest}"));
    }

    private static string Digest(string text) =>
        Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)))[..12];
}
