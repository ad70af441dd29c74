namespace InfMatch.Distill;

/// <summary>Which kind of data a setting is for.</summary>
internal enum SettingTask
{
    /// <summary>Every kind.</summary>
    Any,

    /// <summary>Classified images.</summary>
    Images,

    /// <summary>Image-text pairs.</summary>
    Pairs,
}

/// <summary>Which settings are for classified images alone.</summary>
internal static class SettingTasks
{
    // Settings that mean nothing where there are no classes and no pixels.
    private static readonly HashSet<string> s_ofImages = new(StringComparer.Ordinal)
    {
        nameof(RunSettings.Zca), nameof(RunSettings.ValidationShare), nameof(RunSettings.ImageSize), nameof(RunSettings.Model),
        nameof(RunSettings.Norm), nameof(RunSettings.Pooling), nameof(RunSettings.Width), nameof(RunSettings.Depth), nameof(RunSettings.Ipc),
        nameof(RunSettings.LrImg), nameof(RunSettings.LrLabel), nameof(RunSettings.MomentumImg), nameof(RunSettings.MomentumLabel),
        nameof(RunSettings.Clamp), nameof(RunSettings.StartFrom), nameof(RunSettings.MatchAugment), nameof(RunSettings.Temperature),
        nameof(RunSettings.LabelStart), nameof(RunSettings.LabelFrom), nameof(RunSettings.LabelsOf), nameof(RunSettings.Factor),
        nameof(RunSettings.BatchOf), nameof(RunSettings.ImageStart),
        nameof(RunSettings.Labels), nameof(RunSettings.Protocol), nameof(RunSettings.BestEvery), nameof(RunSettings.Cutmix),
        nameof(RunSettings.EvalWidth), nameof(RunSettings.Augment), nameof(RunSettings.ExpertAugment), nameof(RunSettings.ExpertCutmix),
        nameof(RunSettings.EvaluateEpochs),
    };

    /// <summary>The kind of data that a setting is for, by its name in Pascal case, unless it says another.</summary>
    public static SettingTask Of(string property) => s_ofImages.Contains(property) ? SettingTask.Images : SettingTask.Any;
}
