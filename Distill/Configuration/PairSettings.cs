using System.Collections.Immutable;
using System.Globalization;
using InfMatch.Methods;
using InfMatch.Nn;
using InfMatch.Tensors;

namespace InfMatch.Distill;

/// <summary>The settings that only sets of image-text pairs have.</summary>
internal static class PairSettings
{
    /// <summary>The selection, heads, loss and size where none are given.</summary>
    public const string Random = "random", Residual = "residual", InfoNce = "infonce", Dev = "dev", Test = "test", Features = "features",
        Pixels = "pixels";

    private const int StandardSize = 256, StandardRank = 10, StandardSide = 96, SmallestSide = 2, LargestSide = 1024;

    private const double StandardScale = 3, StandardPixelRate = 0.01, StandardSimilarityRate = 0.05;

    /// <summary>What the set is, and how it is learned.</summary>
    public static ImmutableArray<Setting> OfSet { get; } =
    [
        new RunSetting("Pairs", "N", "Synthetic image-text pairs; several numbers give several sets.",
            s => string.Join(' ', s.Pairs ?? []),
            (s, t) => s with { Pairs = [.. t.Split([' ', ','], StringSplitOptions.RemoveEmptyEntries)
                .Select(n => OptionText.Whole("--pairs", n, 2, 100_000)).Distinct()] })
        {
            Many = true, IsOfEachSet = true, IsRequired = true, Task = SettingTask.Pairs,
        },
        Choice("PairStart",
            "Which real pairs a set of pairs starts from: " + string.Join(". ", Kinds.Of<PairSelection>().Select(k => $"{k.Name}: {k.Help}")),
            Kinds.Names<PairSelection>(), s => s.PairStart ?? Random, (s, v) => s with { PairStart = v == Random ? null : v }),
        Choice("ImagePart",
            "What is learned of the image of a pair: features, or pixels that a frozen encoder makes features of", [Features, Pixels],
            s => s.ImagePart ?? Features, (s, v) => s with { ImagePart = v == Features ? null : v }),
        new RunSetting("PixelSize", "N", "Pixels along a side of the learned images of pairs.",
            s => SideOf(s).ToString(CultureInfo.InvariantCulture),
            (s, t) => OptionText.Whole("--pixel-size", t, SmallestSide, LargestSide) is var side && side == StandardSide
                ? s with { PixelSize = null }
                : s with { PixelSize = side })
        {
            Task = SettingTask.Pairs,
        },
        new RunSetting("ImageEncoder", "FILE",
            "The ONNX model that pixels of pairs are seen through, the one that made the features; the usual one if none is named.",
            s => s.ImageEncoder ?? "", (s, t) => s with { ImageEncoder = t.Length > 0 ? t : null })
        {
            Task = SettingTask.Pairs,
        },
        Choice("PairLoss", "The loss of the training on synthetic pairs; ence and wbce take a learned similarity", Kinds.Names<PairLoss>(),
            LossOf, (s, v) => s with { PairLoss = v == InfoNce ? null : v }),
        Whole("SimilarityRank", "Rank of the learned similarity of synthetic pairs; 0 for none (ence and wbce: 10).", 0,
            RankOf, (s, v) => s with { SimilarityRank = v }),
        Positive("SimilarityScale", "Weight of the low-rank part of the similarity.",
            ScaleOf, (s, v) => s with { SimilarityScale = v == StandardScale ? null : v }),
        Rate("LrImageFeatures", "Learning rate of the image features of synthetic pairs; 0 keeps them.",
            s => s.LrImageFeatures, (s, v) => s with { LrImageFeatures = v }),
        Rate("LrPixels", "Learning rate of the pixels of synthetic pairs, which go from 0 to 1; 0 keeps them.",
            s => PixelRateOf(s), (s, v) => s with { LrPixels = v == StandardPixelRate ? null : v }),
        Rate("LrTextFeatures", "Learning rate of the text features of synthetic pairs; 0 keeps them.",
            s => s.LrTextFeatures, (s, v) => s with { LrTextFeatures = v }),
        Rate("LrSimilarity", "Learning rate of the similarity of synthetic pairs; 0 keeps it.",
            s => SimilarityRateOf(s), (s, v) => s with { LrSimilarity = v == StandardSimilarityRate ? null : v }),
    ];

    /// <summary>The heads.</summary>
    public static ImmutableArray<Setting> OfHeads { get; } =
    [
        Choice("Head", "The heads that map features of images and texts into one space", Kinds.Names<ProjectionHead>(),
            HeadOf, (s, v) => s with { Head = v == Residual ? null : v }),
        Whole("HeadSize", "Numbers of an embedding that heads give.", 1,
            SizeOf, (s, v) => s with { HeadSize = v == StandardSize ? null : v }),
    ];

    /// <summary>How sets of pairs are evaluated.</summary>
    public static ImmutableArray<Setting> OfEvaluation { get; } =
    [
        Choice("Split", "The part of a set of pairs on which retrieval is measured: settings are chosen on dev, and test is looked at once",
            [Dev, Test], s => s.Split ?? Dev, (s, v) => s with { Split = v == Dev ? null : v }),
        Whole("FullEpochs", "Epochs of the heads that are trained on all pairs, for the last row.", 1,
            s => s.FullEpochs ?? 0, (s, v) => s with { FullEpochs = v }),
        Positive("FullRate", "Learning rate of the heads that are trained on all pairs.",
            s => s.FullRate ?? 0, (s, v) => s with { FullRate = v }),
    ];

    /// <summary>Whether pixels are learned, and not features of images.</summary>
    public static bool HasPixels(RunSettings s) => s.ImagePart == Pixels;

    /// <summary>Pixels along a side of the learned images.</summary>
    public static int SideOf(RunSettings s) => s.PixelSize ?? StandardSide;

    /// <summary>The learning rate of pixels.</summary>
    public static double PixelRateOf(RunSettings s) => s.LrPixels ?? StandardPixelRate;

    /// <summary>The learning rate of what is learned of images.</summary>
    public static double ImageRateOf(RunSettings s) => HasPixels(s) ? PixelRateOf(s) : s.LrImageFeatures ?? 0;

    /// <summary>The name of the heads.</summary>
    public static string HeadOf(RunSettings s) => s.Head ?? Residual;

    /// <summary>d.</summary>
    public static int SizeOf(RunSettings s) => s.HeadSize ?? StandardSize;

    /// <summary>The name of the loss of the training on S.</summary>
    public static string LossOf(RunSettings s) => s.PairLoss ?? InfoNce;

    /// <summary>r; 0 for no similarity.</summary>
    public static int RankOf(RunSettings s) =>
        s.SimilarityRank ?? (Kinds.Find<PairLoss>(LossOf(s)) is { UsesSimilarity: true } ? StandardRank : 0);

    /// <summary>α of the low-rank part.</summary>
    public static double ScaleOf(RunSettings s) => s.SimilarityScale ?? StandardScale;

    /// <summary>The learning rate of the similarity.</summary>
    public static double SimilarityRateOf(RunSettings s) => s.LrSimilarity ?? StandardSimilarityRate;

    /// <summary>Refuses settings of pairs that do not go together.</summary>
    /// <exception cref="DistillException">Two do not.</exception>
    public static void CheckTogether(RunSettings s)
    {
        if (s.Pairs is not { IsDefaultOrEmpty: false })
            throw DistillException.BadValue("--pairs", "", "at least one number from 2");
        if (!s.MethodKind.TakesPairs)
        {
            throw DistillException.BadValue(
                "--method", s.MethodName,
                $"a method for image-text pairs beside --dataset {s.Dataset}: " +
                string.Join(", ", Kinds.Of<DistillationMethod>().Where(m => m.TakesPairs).Select(m => m.Name)));
        }
        if (s.MethodKind is InfluenceMatching && InfluenceMatching.ClassWiseMatching.Of(s.OfMethod) is var partition and not "off")
            throw DistillException.BadValue("--class-wise", partition, "off beside image-text pairs, whose loss compares the rows of a set with each other");
        if (s is { RateIsLearned: true, MethodKind.LearnsRate: false })
            throw DistillException.BadValue("--eval-rate", LearnedRate.Word, $"a number beside --method {s.MethodName}, which learns no rate");
        string without = $"the standard value without --image-part {Pixels}: features have no pixels";
        if (!HasPixels(s) && s.PixelSize is { } side)
            throw DistillException.BadValue("--pixel-size", $"{side}", without);
        if (!HasPixels(s) && s.LrPixels is { } rate)
            throw DistillException.BadValue("--lr-pixels", FormattableString.Invariant($"{rate}"), without);
        bool uses = Kinds.Find<PairLoss>(LossOf(s))!.UsesSimilarity;
        if (!uses && RankOf(s) > 0)
            throw DistillException.BadValue("--similarity-rank", $"{RankOf(s)}", $"0 beside --pair-loss {LossOf(s)}, which reads no similarity");
        if (!uses && s.LrSimilarity is { } learned)
        {
            throw DistillException.BadValue(
                "--lr-similarity", FormattableString.Invariant($"{learned}"),
                $"the standard value beside --pair-loss {LossOf(s)}, which reads no similarity");
        }
    }

    private static Setting Whole(
        string property, string help, int low, Func<RunSettings, int> get, Func<RunSettings, int, RunSettings> set)
    {
        string name = Setting.OptionOf(property);
        return new RunSetting(
            property, "N", help, s => get(s).ToString(CultureInfo.InvariantCulture),
            (s, text) => set(s, OptionText.Whole(name, text, low, 1 << 16)))
        {
            Task = SettingTask.Pairs,
        };
    }

    private static Setting Rate(
        string property, string help, Func<RunSettings, double?> get, Func<RunSettings, double, RunSettings> set) =>
        Number(property, help, s => get(s) ?? 0, set, v => v is 0 or >= Settings.SmallestReal, "a number from 0");

    private static Setting Positive(
        string property, string help, Func<RunSettings, double> get, Func<RunSettings, double, RunSettings> set) =>
        Number(property, help, get, set, v => v >= Settings.SmallestReal, "a number above 0");

    private static Setting Number(
        string property, string help, Func<RunSettings, double> get, Func<RunSettings, double, RunSettings> set,
        Func<double, bool> isFine, string expected)
    {
        string name = Setting.OptionOf(property);
        return new RunSetting(
            property, "X", help, s => get(s).ToString("R", CultureInfo.InvariantCulture),
            (s, text) => set(s, OptionText.Number(name, text, isFine, expected)))
        {
            Task = SettingTask.Pairs,
        };
    }

    private static Setting Choice(
        string property, string help, IReadOnlyList<string> choices, Func<RunSettings, string> get,
        Func<RunSettings, string, RunSettings> set)
    {
        string name = Setting.OptionOf(property);
        return new RunSetting(
            property, "NAME", $"{help}. One of {string.Join(", ", choices)}.", get,
            (s, text) => set(s, OptionText.OneOf(name, text, [.. choices])))
        {
            Choices = choices, Task = SettingTask.Pairs,
        };
    }
}
