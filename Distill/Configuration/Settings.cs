using System.Collections.Immutable;
using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using InfMatch.Datasets;
using InfMatch.Methods;
using InfMatch.Nn;
using InfMatch.Tensors;

namespace InfMatch.Distill;

/// <summary>The table of all settings.</summary>
internal static class Settings
{
    /// <summary>The smallest number: what is smaller would be 0 in float32 or make an infinity of what it divides.</summary>
    public const double SmallestReal = 1e-30;

    private const string Sgd = "sgd", Gsam = "gsam";

    private const string DeviceVariable = "INFMATCH_DEVICE";

    private static readonly ImmutableArray<string> s_augmentations = [.. NamedAugmentation.Names];

    // What the names mean where they are not those of a source, or differ from it.
    private static readonly string s_augmentationHelp = ". " +
        string.Concat(Kinds.Of<NamedAugmentation>().Where(a => a.Help is not null).Select(a => $"{a.Name}: {a.Help}. ")) +
        "Rotations are rigid where DSA's code shears images that are not square";

    private static readonly ImmutableArray<string> s_imageStarts = ["noise", "real", "correct"];
    private static readonly ImmutableArray<string> s_labels = ["learned", "hard", "soft"];

    /// <summary>What is learned from: the data.</summary>
    public static ImmutableArray<Setting> OfData { get; } =
    [
        new RunSetting("Dataset", "NAME", $"The data set. One of {string.Join(", ", DatasetCatalog.Names)}; of image-text pairs {string.Join(", ", PairCatalog.Names)}.",
            s => s.Dataset, (s, t) => string.IsNullOrWhiteSpace(t)
                ? throw DistillException.BadValue("--dataset", t, "the name of a data set")
                : s with { Dataset = t })
        {
            Choices = [.. DatasetCatalog.Names, .. PairCatalog.Names],
        },
        new RunSetting("Data", "FOLDER", "The folder of the data set's files; the built-in set needs none.",
            s => s.Data ?? "", (s, t) => s with { Data = NotEmpty("--data", t) })
        {
            Variable = DatasetCatalog.FolderVariable,
        },
        new RunSetting("Zca", "EPS", "ZCA whitening of the standardised images with this epsilon; none, or 0.1 as in MTT and DATM.",
            s => s.Zca?.ToString("R", CultureInfo.InvariantCulture) ?? "none",
            (s, t) => s with
            {
                Zca = t == "none" ? null : OptionText.Number("--zca", t, v => v > 0, "none or a number above 0, such as 0.1"),
            }),
        Fraction("ValidationShare",
            "Share of the training images of each class that is held out, drawn from the seed: experts and set see the rest, and everything " +
            "is evaluated on these instead of the test images. 0 for none.",
            s => s.ValidationShare ?? 0, (s, v) => s with { ValidationShare = v == 0 ? null : v }),
        new RunSetting("ImageSize", "N",
            "Bring images of several sizes (tiny-imagenet, image-folder; flickr8k and flickr30k in 'datasets verify') to N×N: a centred " +
            "square, averaged or interpolated.",
            s => s.ImageSize?.ToString(CultureInfo.InvariantCulture) ?? "",
            (s, t) => s with { ImageSize = OptionText.Whole("--image-size", t, 1, 1024) }),
    ];

    /// <summary>The networks that are trained on the real data, whose trajectories are matched.</summary>
    public static ImmutableArray<Setting> OfExperts { get; } =
    [
        Choice("Model", "The network of experts, distilling and evaluating. Width, depth, norm and pooling are those of convnet",
            [.. Architectures.Names], s => s.Model ?? Architectures.Default,
            (s, v) => s with { Model = v == Architectures.Default ? null : v }),
        new RunSetting("Norm", "NAME", $"What the ConvNet normalises. One of {string.Join(", ", Architectures.Norms)}.",
            s => s.Norm ?? Architectures.DefaultNorm,
            (s, t) => t == "batch"
                ? throw DistillException.BadValue(
                    "--norm", t, $"one of {string.Join(", ", Architectures.Norms)}; {Architectures.NoBatchNorm}")
                : s with { Norm = OptionText.OneOf("--norm", t, [.. Architectures.Norms]) == Architectures.DefaultNorm ? null : t })
        {
            Choices = [.. Architectures.Norms],
        },
        Choice("Pooling", "How the ConvNet pools", [.. Architectures.Poolings],
            s => s.Pooling ?? Architectures.DefaultPooling,
            (s, v) => s with { Pooling = v == Architectures.DefaultPooling ? null : v }),
        Whole("Width", "Channels of the ConvNet's layers, for experts and distilling.", 1, 4096,
            s => s.Width, (s, v) => s with { Width = v }),
        Whole("Depth", "Blocks of the ConvNet (convolution, norm, ReLU, pooling).", 1, 8,
            s => s.Depth, (s, v) => s with { Depth = v }),
        .. PairSettings.OfHeads,
        .. OfTrainingOnReal(),
    ];

    /// <summary>The distillation itself.</summary>
    public static ImmutableArray<Setting> OfDistillation { get; } =
    [
        new RunSetting("Ipc", "N", "Synthetic images per class; several numbers give several sets.",
            s => string.Join(' ', s.Ipc),
            (s, t) => s with { Ipc = [.. t.Split([' ', ','], StringSplitOptions.RemoveEmptyEntries)
                .Select(n => OptionText.Whole("--ipc", n, 1, 100_000)).Distinct()] })
        {
            Many = true, IsOfEachSet = true,
        },
        Choice("Method", MethodHelp(), [.. Kinds.Names<DistillationMethod>()],
            s => s.MethodName, (s, v) => v == s.MethodName
                ? s
                : s with { Method = v == DistillationMethod.Default ? null : v, OfMethod = MethodValues.Standard }),
        .. OptionOfMethods.All(),
        Whole("Iterations", "Updates of the synthetic set.", 1, RunSettings.AnyIterations,
            s => s.Iterations, (s, v) => s with { Iterations = v }),
        Budget(),
        Real("LrImg", "Learning rate of the images.", s => s.LrImg, (s, v) => s with { LrImg = v }),
        Real("LrLabel", "Learning rate of the label logits; 0 keeps the labels.",
            s => s.LrLabel, (s, v) => s with { LrLabel = v }, zero: true),
        Fraction("MomentumImg", "Momentum of the images.", s => s.MomentumImg, (s, v) => s with { MomentumImg = v }),
        Fraction("MomentumLabel", "Momentum of the label logits.", s => s.MomentumLabel, (s, v) => s with { MomentumLabel = v }),
        Choice("Optimiser", "What moves the synthetic set along its gradient", [.. Kinds.Names<SetOptimiser>()],
            s => s.Optimiser ?? Sgd, (s, v) => s with { Optimiser = v == Sgd ? null : v }),
        Real("WeightDecay", "Weight decay of the synthetic set: sgd and adam add it to the gradient, adamw takes it from the value.",
            s => s.WeightDecay ?? 0, (s, v) => s with { WeightDecay = v == 0 ? null : v }, zero: true),
        Choice("Clamp", "Whether images are kept to values that pixels can have", ["off", "pixels"],
            s => s.Clamp ?? "off", (s, v) => s with { Clamp = v == "off" ? null : v }),
        Real("ClipGradient", "The gradient of the synthetic set is scaled down to this norm where it is longer; 0 for never.",
            s => s.ClipGradient ?? 0, (s, v) => s with { ClipGradient = v == 0 ? null : v }, zero: true),
        Real("ClipSpikes",
            "A gradient longer than so many times the median of the last 25 is scaled down to that; 0 for never.",
            s => s.ClipSpikes ?? 0, (s, v) => s with { ClipSpikes = v == 0 ? null : v }, zero: true),
        Whole("BatchSyn", "Synthetic images in a step of training on them; 0 for all.", 0, 1 << 20,
            s => s.BatchSyn ?? 0, (s, v) => s with { BatchSyn = v == 0 ? null : v }),
        Choice("BatchOf", "What --batch-syn counts: stored images, or tiles of them (with --factor above 1)", ["image", PlanFactory.Tile],
            s => s.BatchOf ?? "image", (s, v) => s with { BatchOf = v == PlanFactory.Tile ? v : null }),
        new RunSetting("StartFrom", "SET", "Start from another distilled set, its images and labels, made with whatever network.",
            s => s.StartFrom ?? "", (s, t) => s with { StartFrom = NotEmpty("--start-from", t) }),
        Choice("RateSchedule", "How both rates change over the iterations", [.. Kinds.Names<SetSchedule>()],
            s => s.RateSchedule, (s, v) => s with { RateSchedule = v }),
        Choice("MatchAugment", "Augmentation of the synthetic set while matching", s_augmentations,
            s => s.MatchAugment, (s, v) => s with { MatchAugment = v }),
        .. OfStart(),
        .. PairSettings.OfSet,
        Whole("EvaluateEvery", "Iterations between two evaluations (one network each) on the way; 0 for none.", 0, 10_000_000,
            s => s.EvaluateEvery, (s, v) => s with { EvaluateEvery = v }),
        Whole("EvaluateEpochs", "Epochs of the network of such an evaluation; 0 for as many as in any other.", 0, 1_000_000,
            s => s.EvaluateEpochs ?? 0, (s, v) => s with { EvaluateEpochs = v == 0 ? null : v }),
        ProbeEvery(),
        Whole("SaveEvery", "Iterations between two saved states.", 1, 10_000_000,
            s => s.SaveEvery, (s, v) => s with { SaveEvery = v }),
    ];

    /// <summary>The evaluation; what is not given follows from the protocol if that is (<see cref="Protocols"/>).</summary>
    public static ImmutableArray<Setting> OfEvaluation { get; } =
    [
        Choice("Protocol",
            $"How networks are trained on a set. {Protocols.Help}. Without it {ProtocolA.OwnName} with the values of the preset",
            Protocols.Names,
            s => s.Protocol ?? ProtocolA.OwnName, (s, v) => s with { Protocol = v }),
        Whole("BestEvery", "Epochs between two evaluations on the test images, for the best accuracy; 0 for none (B, release: a twentieth).", 0,
            1_000_000, s => s.BestEvery ?? Protocols.BestEvery(s), (s, v) => s with { BestEvery = v }),
        Probability("Cutmix", "Probability with which a batch of their training is mixed by CutMix (B, release: 0.5).",
            s => s.Cutmix ?? Protocols.CutMix(s), (s, v) => s with { Cutmix = v }),
        Whole("Epochs", "Epochs for which a network is trained on a small set.", 1, 1_000_000,
            s => s.Epochs, (s, v) => s with { Epochs = v }),
        Whole("Repeats", "Networks from different initialisations: mean ± std.", 1, 1000,
            s => s.Repeats, (s, v) => s with { Repeats = v }),
        Whole("EvalWidth", "Channels of the networks that evaluate a set.", 1, 4096,
            s => s.EvalWidth, (s, v) => s with { EvalWidth = v }),
        EvalRate(),
        Real("EvalDecay", "Their weight decay (A, DC: 5e-4; B: 0.01; release: 0).",
            s => s.EvalDecay ?? Protocols.WeightDecay(s), (s, v) => s with { EvalDecay = v }, zero: true),
        Choice("Augment", "Augmentation of their training" + s_augmentationHelp, s_augmentations, s => s.Augment, (s, v) => s with { Augment = v }),
        .. PairSettings.OfEvaluation,
        new RunSetting("BaselinesFrom", "FOLDER",
            "Take what random real images reach (pairs: the rows of real pairs and of all data) from this folder of an earlier run, with the " +
            "same data, seed, networks and evaluation, in place of measuring it again.",
            s => s.BaselinesFrom ?? "", (s, t) => s with { BaselinesFrom = t.Length > 0 ? t : null }),
    ];

    /// <summary>How and where it runs.</summary>
    public static ImmutableArray<Setting> OfMachine { get; } =
    [
        new RunSetting("Seed", "N", "Every random number follows from it; the same seed gives the same bits.",
            s => s.Seed.ToString(CultureInfo.InvariantCulture),
            (s, t) => s with { Seed = ulong.TryParse(t, NumberStyles.None, CultureInfo.InvariantCulture, out ulong v)
                ? v
                : throw DistillException.BadValue("--seed", t, "a whole number from 0") }),
        Whole(
            "Threads",
            "Threads; 0 for one a core. On a GPU how many pieces of work, such as small networks, run at a time, 4 at most; 0 for " +
            "what suits it.",
            0, 4096, s => s.Threads, (s, v) => s with { Threads = v }),
        new RunSetting("Device", "NAME", $"Where it computes. One of {string.Join(", ", DeviceName.Kinds)}; a GPU by number as cuda:1.",
            s => s.Device,
            (s, t) => s with { Device = DeviceName.Check(t) })
        {
            Variable = DeviceVariable, Choices = DeviceName.Kinds,
        },
        new RunSetting("MemoryLimit", "SIZE", "The most memory of the device that a run may take, such as 512MiB or 4GB.",
            s => s.MemoryLimit ?? "",
            (s, t) =>
            {
                ByteSize.Limit(t); // throws where it is no size
                return s with { MemoryLimit = t };
            }),
        Choice("Precision",
            "What large products are computed in. tf32 and 3xtf32 need CUDA from compute capability 8.0. Differences are never " +
            "computed in tf32", Precisions.Names,
            s => s.Precision ?? Precisions.Names[0],
            (s, v) => s with { Precision = v == Precisions.Names[0] ? null : v }),
        new RunSetting("Out", "FOLDER", "The folder in which run folders are made.",
            s => s.Out, (s, t) => s with { Out = NotEmpty("--out", t) }),
    ];

    /// <summary>All settings.</summary>
    public static ImmutableArray<Setting> All { get; } =
        [.. OfData, .. OfDistillation, .. OfExperts, .. OfEvaluation, .. OfMachine];

    private static readonly Dictionary<string, Setting> s_ofProperty = All.ToDictionary(s => s.Property, StringComparer.Ordinal);

    /// <summary>The setting of a name in Pascal case.</summary>
    public static Setting Of(string property) => s_ofProperty[property];

    /// <summary>Resolves every setting: option before --set before environment before file before the method's published values before
    /// preset.</summary>
    /// <param name="preset">Where all begin; null where none is named, and then a method stands for its published values.</param>
    /// <param name="commandLine">The text of a setting's option, or null.</param>
    /// <param name="environment">The value of a variable, or null.</param>
    /// <param name="input">What --set and --config give; null for nothing.</param>
    /// <param name="allSets">The images per class of all sets for which factors are given; null for those of the run.</param>
    /// <exception cref="DistillException">A value is not acceptable, or two do not go together.</exception>
    public static ResolvedSettings Resolve(
        string? preset, Func<Setting, string?> commandLine, Func<string, string?> environment, ConfigInput? input = null,
        ImmutableArray<int>? allSets = null) =>
        WithBudget(new Resolution(commandLine, environment, input) { AllSets = allSets }.From(preset));

    /// <summary>By a budget the number of updates is what it pays for, unless one was asked for.</summary>
    public static ResolvedSettings WithBudget(ResolvedSettings resolved)
    {
        if (resolved.Settings.Budget is null || resolved.IsGiven("Iterations"))
            return resolved;
        return new ResolvedSettings(
            resolved.Settings with { Iterations = RunSettings.AnyIterations },
            new Dictionary<string, string>(resolved.Origins, StringComparer.Ordinal) { ["Iterations"] = "budget" });
    }

    /// <summary>The origin of a value that a protocol stands for.</summary>
    public static string OfProtocol(RunSettings settings) => $"protocol {settings.Protocol}";

    /// <summary>The origin of a value that a method stands for, because its authors published it.</summary>
    public static string OfMethod(string method) => $"method {method} (published)";

    /// <summary>Refuses settings that do not go together.</summary>
    /// <exception cref="DistillException">Two do not.</exception>
    public static void CheckTogether(RunSettings s)
    {
        if (s.IsOfPairs)
            PairSettings.CheckTogether(s);
        if (s.Ipc.IsEmpty)
            throw DistillException.BadValue("--ipc", "", "at least one number from 1");
        TileSettings.CheckTogether(s);
        if (s.ImageSize is { } side && DatasetCatalog.Named(s.Dataset) is { IsDecoded: false })
        {
            throw DistillException.BadValue(
                "--image-size", $"{side}", $"no value for {s.Dataset}, whose images have one size");
        }
        if (s is { StartFrom: not null, Labels: not null })
            throw DistillException.BadValue("--labels", s.Labels, "learned beside --start-from: the labels come from that set");
        if (s is { Zca: not null, Clamp: not null })
            throw DistillException.BadValue("--clamp", s.Clamp, "off beside --zca: whitened images have no range");
        if (s is { BatchSyn: { } rows, MethodKind.TakesBatchesOfS: false })
        {
            throw DistillException.BadValue(
                "--batch-syn", $"{rows}", $"0 beside --method {s.MethodName}, which takes all of the synthetic set at once");
        }
        if (s is { ExpertOptimiser: null } && (s.ExpertRho ?? s.ExpertAlpha) is { } unused)
        {
            throw DistillException.BadValue(
                s.ExpertRho is null ? "--expert-alpha" : "--expert-rho", unused.ToString("R", CultureInfo.InvariantCulture),
                $"no value beside --expert-optimiser {Sgd}: it is one of {Gsam}");
        }
        try
        {
            s.MethodKind.Check(
                s.OfMethod, new ExpertPlan(s.Experts, s.DenseSteps) { Training = PlanFactory.ExpertPlan(s, s.Dataset) });
        }
        catch (SettingException e)
        {
            throw DistillException.BadValue(Setting.OptionOf(e.Setting), e.Got, e.Expected);
        }
    }

    // How networks are trained on the real data, and what of it is kept.
    private static ImmutableArray<Setting> OfTrainingOnReal() =>
    [
        Whole("Experts", "Networks trained on the real data and recorded.", 1, 1000,
            s => s.Experts, (s, v) => s with { Experts = v }),
        new RunSetting("ExpertsFrom", "FOLDER", "Use the experts recorded in this folder, and record what is missing there.",
            s => s.ExpertsFrom ?? "", (s, t) => s with { ExpertsFrom = NotEmpty("--experts-from", t) }),
        new RunSetting("ExpertSeed", "N", "What the random numbers of the experts follow from; run for --seed.",
            s => s.ExpertSeed?.ToString(CultureInfo.InvariantCulture) ?? "run",
            (s, t) => s with { ExpertSeed = t == "run" ? null : ulong.TryParse(t, NumberStyles.None, CultureInfo.InvariantCulture, out ulong v)
                ? v
                : throw DistillException.BadValue("--expert-seed", t, "run or a whole number from 0") }),
        Whole("ExpertEpochs", "Passes over the data for each expert.", 1, 10000,
            s => s.ExpertEpochs, (s, v) => s with { ExpertEpochs = v }),
        Whole("ExpertSteps", "Steps after which an expert's training ends before its epochs do; 0 for never.", 0, 1 << 30,
            s => s.ExpertSteps, (s, v) => s with { ExpertSteps = v }),
        Whole("ExpertBatch", "Images in a training step of an expert.", 1, 1 << 20,
            s => s.ExpertBatch, (s, v) => s with { ExpertBatch = v }),
        Real("ExpertRate", "Learning rate of the experts.", s => s.ExpertRate, (s, v) => s with { ExpertRate = v }),
        Fraction("ExpertMomentum", "Momentum of the experts' training.",
            s => s.ExpertMomentum ?? 0, (s, v) => s with { ExpertMomentum = v == 0 ? null : v }),
        Real("ExpertDecay", "Weight decay of the experts' training.",
            s => s.ExpertDecay ?? 0, (s, v) => s with { ExpertDecay = v == 0 ? null : v }, zero: true),
        Choice("ExpertOptimiser", "What trains the experts. gsam: sharpness-aware steps of SGD, two gradients each, as DATM's",
            [Sgd, Gsam], s => s.ExpertOptimiser ?? Sgd, (s, v) => s with { ExpertOptimiser = v == Sgd ? null : v }),
        Real("ExpertRho", "How far from the parameters gsam takes its second gradient.",
            s => s.ExpertRho ?? SharpnessAware.DefaultRho,
            (s, v) => s with { ExpertRho = v == SharpnessAware.DefaultRho ? null : v }),
        Real("ExpertAlpha", "Weight of gsam's surrogate gap; 0 for SAM.",
            s => s.ExpertAlpha ?? SharpnessAware.DefaultAlpha,
            (s, v) => s with { ExpertAlpha = v == SharpnessAware.DefaultAlpha ? null : v }, zero: true),
        Choice("ExpertAugment", "Augmentation of the experts' training", s_augmentations,
            s => s.ExpertAugment, (s, v) => s with { ExpertAugment = v }),
        Probability("ExpertCutmix", "Probability with which a batch of the experts' training is mixed by CutMix.",
            s => s.ExpertCutmix ?? 0, (s, v) => s with { ExpertCutmix = v == 0 ? null : v }),
        Choice("ExpertSchedule", "How the experts' rate changes over their training. " + string.Join(
                ". ", Kinds.Of<RateSchedule>().Select(schedule => $"{schedule.Name}: {schedule.Help}")),
            [.. Kinds.Names<RateSchedule>()],
            s => s.ExpertSchedule, (s, v) => s with { ExpertSchedule = v }),
        Whole("Checkpoints", "Parameter vectors stored in each epoch; 0 for none but the dense ones.", 0, 1 << 20,
            s => s.Checkpoints, (s, v) => s with { Checkpoints = v }),
        Whole("DenseSteps", "Consecutive steps stored from the beginning; the unrolled estimator needs them.", 0, 1 << 20,
            s => s.DenseSteps, (s, v) => s with { DenseSteps = v }),
    ];

    // What images and labels start as, and whether labels stay so.
    private static ImmutableArray<Setting> OfStart() =>
    [
        Real("Temperature", "Divides the experts' logits that the labels start from.",
            s => s.Temperature, (s, v) => s with { Temperature = v }),
        Choice("LabelStart",
            "Where the learned labels start: the experts' mean logits, the mean of those that classify the image right (DATM; then " +
            "--image-start correct takes images that one of them does), or the image's class", ["experts", "hard", PlanFactory.Right],
            s => s.LabelStart, (s, v) => s with { LabelStart = v }),
        new RunSetting("LabelFrom", "FOLDER",
            "Take soft labels from the networks in this folder of a 'train' on the same data, of whatever width and epochs. Where " +
            "--label-start is hard, only the column of random real images has them.",
            s => s.LabelFrom ?? "", (s, t) => s with { LabelFrom = NotEmpty("--label-from", t) }),
        new RunSetting("Factor", "N",
            "Each stored image is N×N tiles, enlarged bilinearly where the set is used (IDC, NCFM): one number, or one for each of --ipc.",
            s => s.Factor?.ToString() ?? "1", (s, t) => s with { Factor = TileFactors.Of(t) })
        {
            Many = true, IsOfEachSet = true,
        },
        Choice("ImageStart",
            "What the images start from: noise, random real images, or real ones that the experts classify correctly",
            s_imageStarts, s => s.ImageStart ?? "correct",
            (s, v) => s with { ImageStart = v == "correct" ? null : v }),
        Choice("Labels", "Whether labels are learned, or fixed at the class (hard) or at the experts' mean logits (soft)",
            s_labels, s => s.Labels ?? "learned", (s, v) => s with { Labels = v == "learned" ? null : v }),
        Choice("LabelsOf", "What has a label: a stored image, or each of its tiles (with --factor above 1)", ["image", PlanFactory.Tile],
            s => s.LabelsOf ?? "image", (s, v) => s with { LabelsOf = v == PlanFactory.Tile ? v : null }),
    ];

    private static string MethodHelp() =>
        "What is matched. Without --preset it stands for the values that its authors published ('presets NAME'). " +
        string.Join(". ", Kinds.Of<DistillationMethod>().Select(method => $"{method.Name}: {method.Help}"));

    private static RunSetting EvalRate() => new(
        "EvalRate", "X",
        $"Their learning rate; {LearnedRate.Word} for the one that was learned with the set (mtt, datm), real images at the protocol's.",
        s => s.RateIsLearned ? LearnedRate.Word : s.EvalRate.ToString("R", CultureInfo.InvariantCulture),
        (s, t) => s with
        {
            EvalRate = t == LearnedRate.Word
                ? LearnedRate.Value
                : OptionText.Number("--eval-rate", t, v => v >= SmallestReal, $"{LearnedRate.Word} or a number above 0"),
        })
    {
        Choices = [LearnedRate.Word],
    };

    private static RunSetting Budget() => new(
        "Budget", "COST",
        "Learn each set until this is spent, such as 20min, 1200s or 2e6images that pass through a network. Experts are not " +
        "counted; rates follow the share that is spent; --iterations, if given, is an upper bound. none for none.",
        s => s.Budget ?? "none",
        (s, t) => s with { Budget = t == "none" ? null : BudgetText.Of(BudgetText.Of(t)) });

    private static RunSetting ProbeEvery() => new(
        "ProbeEvery", "N",
        "Iterations between two measurements of the loss in a few fixed places, for the curve; 0 for none, auto for few.",
        s => s.ProbeEvery?.ToString(CultureInfo.InvariantCulture) ?? "auto",
        (s, t) => s with { ProbeEvery = t == "auto" ? null : OptionText.Whole("--probe-every", t, 0, 10_000_000) });

    private static Setting Whole(
        string property, string help, int low, int high, Func<RunSettings, int> get, Func<RunSettings, int, RunSettings> set)
    {
        string name = Setting.OptionOf(property);
        return new RunSetting(
            property, "N", help, s => get(s).ToString(CultureInfo.InvariantCulture),
            (s, text) => set(s, OptionText.Whole(name, text, low, high)));
    }

    private static Setting Real(
        string property, string help, Func<RunSettings, double> get, Func<RunSettings, double, RunSettings> set,
        bool zero = false) =>
        Number(
            property, help, get, set, v => v >= SmallestReal || (zero && v == 0),
            zero ? "a number from 0" : "a number above 0");

    private static Setting Fraction(
        string property, string help, Func<RunSettings, double> get, Func<RunSettings, double, RunSettings> set) =>
        Number(property, help, get, set, v => v is >= 0 and < 1, "a number from 0 to below 1");

    private static Setting Probability(
        string property, string help, Func<RunSettings, double> get, Func<RunSettings, double, RunSettings> set) =>
        Number(property, help, get, set, v => v is >= 0 and <= 1, "a number from 0 to 1");

    private static Setting Number(
        string property, string help, Func<RunSettings, double> get, Func<RunSettings, double, RunSettings> set,
        Func<double, bool> isFine, string expected)
    {
        string name = Setting.OptionOf(property);
        return new RunSetting(
            property, "X", help, s => get(s).ToString("R", CultureInfo.InvariantCulture),
            (s, text) => set(s, OptionText.Number(name, text, isFine, expected)));
    }

    private static Setting Choice(
        string property, string help, ImmutableArray<string> choices, Func<RunSettings, string> get,
        Func<RunSettings, string, RunSettings> set)
    {
        string name = Setting.OptionOf(property);
        return new RunSetting(
            property, "NAME", $"{help}. One of {string.Join(", ", choices)}.", get,
            (s, text) => set(s, OptionText.OneOf(name, text, choices)))
        {
            Choices = choices,
        };
    }

    // No file system takes the character 0 in a name; from a file it may come all the same.
    private static string NotEmpty(string name, string text) =>
        text.Length > 0 && !text.Contains('\0', StringComparison.Ordinal)
            ? text
            : throw DistillException.BadValue(name, text, "a folder");
}
