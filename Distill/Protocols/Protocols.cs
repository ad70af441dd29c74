using System.Collections.Immutable;
using System.Globalization;
using InfMatch.Nn;

namespace InfMatch.Distill;

/// <summary>
/// How a network is trained on a set that is evaluated. A: as MTT (CVPR 2022) and DATM (ICLR 2024) report it, with E epochs and a
/// tenth of the rate from half of the steps on, the velocity kept. DC: the evaluation of DC's code (ICLR 2021;
/// DatasetCondensation, utils.evaluate_synset), on which those are built: E + 1 epochs, and after epoch E/2 + 1, counted from 0, a
/// new optimiser with a tenth of the rate, which forgets the velocity; E is 300 without an augmentation and 1000 with one. B: NCFM
/// (CVPR 2025) as released; its accuracy of the best epoch stands beside that of the last.
/// </summary>
internal static class Protocols
{
    private const double Momentum = 0.9, WeightDecay = 5e-4;
    private const int BatchOfA = 256, BatchOfB = 128, EvaluationsOfB = 20;

    /// <summary>The names.</summary>
    public static ImmutableArray<string> Names { get; } = ["A", "B", "DC"];

    /// <summary>The values of settings that the protocol of some settings stands for, where they are not given, each from what
    /// stands before it.</summary>
    public static IReadOnlyList<(string Property, Func<RunSettings, string> Text)> ValuesOf(string? name) => name switch
    {
        "A" => [("Epochs", _ => "1000"), ("Repeats", _ => "5"), ("EvalRate", _ => "0.01"), ("Augment", _ => "auto")],
        "B" => [("Epochs", _ => "2000"), ("Repeats", _ => "10"), ("EvalRate", _ => "0.001"), ("Augment", _ => "diffaug")],
        "DC" =>
        [
            ("Augment", s => s.Dataset == "mnist" ? "dc" : "none"), ("Epochs", s => s.Augment == "none" ? "300" : "1000"),
            ("Repeats", _ => "20"), ("EvalRate", _ => "0.01"),
        ],
        _ => [],
    };

    /// <summary>Settings with the values of their protocol in the place of those that nobody gave.</summary>
    public static RunSettings Complete(RunSettings settings, Func<string, bool> isOpen)
    {
        foreach ((string property, Func<RunSettings, string> text) in ValuesOf(settings.Protocol).Where(v => isOpen(v.Property)))
            settings = Settings.All.Single(s => s.Property == property).Set(settings, text(settings));
        return settings;
    }

    /// <summary>The name of the protocol that settings mean.</summary>
    public static string NameOf(RunSettings s) => s.Protocol ?? Names[0];

    /// <summary>Epochs between two looks at the test images, unless the setting says otherwise; 0 for none.</summary>
    public static int BestEvery(RunSettings s) => NameOf(s) == "B" ? Math.Max(1, s.Epochs / EvaluationsOfB) : 0;

    /// <summary>The probability of CutMix, unless the setting says otherwise.</summary>
    public static double CutMix(RunSettings s) => NameOf(s) == "B" ? 0.5 : 0;

    /// <summary>How a network is trained.</summary>
    public static TrainingPlan Plan(RunSettings s, string dataset)
    {
        TrainingPlan plan = NameOf(s) == "B"
            ? new TrainingPlan(
                s.Epochs, BatchOfB, s.EvalRate, 0, AdamW.DefaultWeightDecay, RateSchedule.HalfAtFifths)
            {
                Optimiser = Optimiser.AdamW,
            }
            : NameOf(s) == "DC"
            ? new TrainingPlan(
                s.Epochs + 1, BatchOfA, s.EvalRate, Momentum, WeightDecay, RateSchedule.Constant)
            {
                FreshAt = s.Epochs / 2 + 2,
            }
            : new TrainingPlan(
                s.Epochs, BatchOfA, s.EvalRate, Momentum, WeightDecay, RateSchedule.StepAtHalf);
        return plan with
        {
            Augmentation = PlanFactory.AugmentationOf(s.Augment, dataset),
            CutMix = s.Cutmix ?? CutMix(s),
        };
    }

    /// <summary>The protocol in one line, to stand beside an accuracy of some networks.</summary>
    public static string Describe(RunSettings s, string dataset, string networks)
    {
        TrainingPlan plan = Plan(s, dataset);
        CultureInfo culture = CultureInfo.InvariantCulture;
        string steps = plan.Optimiser == Optimiser.AdamW
            ? string.Create(culture, $"AdamW {plan.Rate} (halved at each fifth), ")
            : plan.FreshAt is { } epoch
            ? string.Create(culture, $"SGD {plan.Rate} (after {epoch} a new optimiser with /10), momentum {plan.Momentum}, ")
            : string.Create(culture, $"SGD {plan.Rate} (/10 at half), momentum {plan.Momentum}, ");
        string mixed = plan.CutMix > 0 ? string.Create(culture, $", CutMix {plan.CutMix}") : "";
        int every = s.BestEvery ?? BestEvery(s);
        return string.Create(culture, $"protocol {NameOf(s)}: {networks}, {plan.Epochs} epochs of {steps}") +
            string.Create(
                culture, $"weight decay {plan.WeightDecay}, batch {plan.BatchSize}, augmentation {s.Augment}{mixed}, last epoch") +
            (every > 0 ? string.Create(culture, $" (best: of every {every} epochs on the test images)") : "") +
            (s.Repeats == 1 ? ", 1 network" : string.Create(culture, $", {s.Repeats} networks"));
    }
}
