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
