using System.Collections.Immutable;
using System.Globalization;
using InfMatch.Nn;
using InfMatch.Tensors;

namespace InfMatch.Distill;

/// <summary>What the settings of a run mean for the <see cref="Protocol"/> that they name.</summary>
internal static class Protocols
{
    /// <summary>The names.</summary>
    public static ImmutableArray<string> Names { get; } = [.. Kinds.Names<Protocol>()];

    /// <summary>What each is, for the help of --protocol.</summary>
    public static string Help => string.Join(". ", Kinds.Of<Protocol>().Select(p => $"{p.Name} is {p.Help}"));

    /// <summary>The values of settings that a protocol stands for, where they are not given, each from what stands before it; none
    /// without a name.</summary>
    public static IReadOnlyList<(string Property, Func<EvaluationValues, string> Text)> ValuesOf(string? name) =>
        name is null ? [] : Of(name).Values;

    /// <summary>Settings with the values of their protocol in the place of those that nobody gave.</summary>
    public static RunSettings Complete(RunSettings settings, Func<string, bool> isOpen)
    {
        foreach ((string property, Func<EvaluationValues, string> text) in
            ValuesOf(settings.Protocol).Where(v => isOpen(v.Property)))
        {
            settings = Settings.All.Single(s => s.Property == property).Set(settings, text(Values(settings, settings.Dataset)));
        }
        return settings;
    }

    /// <summary>The augmentation that loses its cutout under CutMix.</summary>
    public const string WithCutout = "diffaug";

    /// <summary>Settings that ask for diffaug beside CutMix, with what NCFM, IDC and influence matching mean by that: without
    /// cutout.</summary>
    public static RunSettings WithoutCutoutUnderCutMix(RunSettings s) => s.Augment == WithCutout && (s.Cutmix ?? CutMix(s)) > 0
        ? s with { Augment = ProtocolB.WithoutCutout }
        : s;

    /// <summary>The name of the protocol that settings mean.</summary>
    public static string NameOf(RunSettings s) => s.Protocol ?? ProtocolA.OwnName;

    /// <summary>Epochs between two evaluations on the test images during training, unless the setting says otherwise; 0 for none.
    /// </summary>
    public static int BestEvery(RunSettings s) => Of(NameOf(s)).BestEvery(s.Epochs);

    /// <summary>The probability of CutMix, unless the setting says otherwise.</summary>
    public static double CutMix(RunSettings s) => Of(NameOf(s)).CutMix;

    /// <summary>The weight decay, unless the setting says otherwise.</summary>
    public static double WeightDecay(RunSettings s) =>
        Of(NameOf(s)).Plan(Values(s, s.Dataset), Augmentation.None).WeightDecay;

    /// <summary>How a network is trained.</summary>
    public static TrainingPlan Plan(RunSettings s, string dataset)
    {
        TrainingPlan plan = Of(NameOf(s)).Plan(Values(s, dataset), PlanFactory.AugmentationOf(s.Augment, dataset));
        return plan with { CutMix = s.Cutmix ?? CutMix(s), WeightDecay = s.EvalDecay ?? plan.WeightDecay };
    }

    /// <summary>The protocol in one line, to be shown with an accuracy of some networks.</summary>
    public static string Describe(RunSettings s, string dataset, string networks)
    {
        TrainingPlan plan = Plan(s, dataset);
        CultureInfo culture = CultureInfo.InvariantCulture;
        string mixed = plan.CutMix > 0 ? string.Create(culture, $", CutMix {plan.CutMix}") : "";
        int every = s.BestEvery ?? BestEvery(s);
        return string.Create(
                culture, $"protocol {NameOf(s)}: {networks}, {plan.Epochs} epochs of {Of(NameOf(s)).DescribeSteps(plan)}") +
            string.Create(
                culture, $"weight decay {plan.WeightDecay}, batch {plan.BatchSize}, augmentation {s.Augment}{mixed}, last epoch") +
            (s.RateIsLearned ? ", the set at the rate learned with it" : "") +
            (every > 0 ? string.Create(culture, $" (best: of every {every} epochs on the {Images(s)})") : "") +
            (PlanFactory.EvaluatedOn(s) is { } held ? $", {held}" : "") +
            (s.Repeats == 1 ? ", 1 network" : string.Create(culture, $", {s.Repeats} networks"));
    }

    private static string Images(RunSettings s) => s.ValidationShare is null ? "test images" : "validation images";

    private static EvaluationValues Values(RunSettings s, string dataset) => new(
        dataset, s.Augment, s.Epochs, s.RateIsLearned ? OwnRate(NameOf(s)) : s.EvalRate);

    // Of real images beside a set that is evaluated at the rate learned with it.
    private static double OwnRate(string name) => double.Parse(
        ValuesOf(name).Single(v => v.Property == nameof(RunSettings.EvalRate)).Text(new EvaluationValues("", "", 0, 0)),
        CultureInfo.InvariantCulture);

    private static Protocol Of(string name) => Kinds.Find<Protocol>(name)
        ?? throw DistillException.BadValue("--protocol", name, $"one of {string.Join(", ", Names)}");
}
