namespace InfMatch.Distill;

/// <summary>What decides which columns a row of a result has.</summary>
/// <param name="HasSet">Whether a set S is evaluated, and not random real images alone.</param>
/// <param name="HasTeacher">Whether experts are there that label images.</param>
/// <param name="HasHardLabels">Whether the labels of S are hard ones.</param>
internal readonly record struct ColumnCase(bool HasSet, bool HasTeacher, bool HasHardLabels)
{
    /// <summary>That of a run, as far as its settings tell before S is there; labels that are learned may still become hard.</summary>
    public static ColumnCase OfRun(RunSettings settings) =>
        new(HasSet: true, HasTeacher: true, settings is { Labels: "hard", StartFrom: null });

    /// <summary>That with the most columns.</summary>
    public static ColumnCase Largest => new(HasSet: true, HasTeacher: true, HasHardLabels: false);
}
