namespace InfMatch.Distill;

/// <summary>Under which heading a setting stands in help.</summary>
internal enum SettingGroup
{
    /// <summary>Which data, and how they are prepared.</summary>
    Data,

    /// <summary>The synthetic set: its size, its start, its labels.</summary>
    Set,

    /// <summary>What is matched, and how the set is moved.</summary>
    Matching,

    /// <summary>The networks that are trained on the real data.</summary>
    Experts,

    /// <summary>How a set is evaluated.</summary>
    Evaluation,

    /// <summary>Where and how the program runs.</summary>
    Running,
}

/// <summary>Which settings are of which group.</summary>
internal static class SettingGroups
{
    // Of the settings of the distillation those that say what the set is.
    private static readonly HashSet<string> s_ofSet = new(StringComparer.Ordinal)
    {
        nameof(RunSettings.Ipc), nameof(RunSettings.Factor), nameof(RunSettings.Clamp), nameof(RunSettings.StartFrom),
        nameof(RunSettings.Temperature), nameof(RunSettings.LabelStart), nameof(RunSettings.LabelFrom), nameof(RunSettings.LabelsOf), nameof(RunSettings.ImageStart), nameof(RunSettings.Labels),
        nameof(RunSettings.Pairs), nameof(RunSettings.PairStart), nameof(RunSettings.SimilarityRank), nameof(RunSettings.SimilarityScale),
        nameof(RunSettings.ImagePart), nameof(RunSettings.PixelSize), nameof(RunSettings.ImageEncoder),
    };

    /// <summary>The group of a setting.</summary>
    public static SettingGroup Of(Setting setting) =>
        Settings.OfData.Contains(setting) ? SettingGroup.Data
        : Settings.OfExperts.Contains(setting) ? SettingGroup.Experts
        : Settings.OfEvaluation.Contains(setting) || setting.Property is nameof(RunSettings.EvaluateEvery) or nameof(RunSettings.EvaluateEpochs) ? SettingGroup.Evaluation
        : Settings.OfMachine.Contains(setting) || setting.Property == nameof(RunSettings.SaveEvery) ? SettingGroup.Running
        : s_ofSet.Contains(setting.Property) ? SettingGroup.Set
        : SettingGroup.Matching;

    /// <summary>The heading of a group.</summary>
    public static string Heading(SettingGroup group) => group switch
    {
        SettingGroup.Data => "Data",
        SettingGroup.Set => "The synthetic set",
        SettingGroup.Matching => "Matching",
        SettingGroup.Experts => "Experts",
        SettingGroup.Evaluation => "Evaluation",
        _ => "Running",
    };
}
