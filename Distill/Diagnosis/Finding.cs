namespace InfMatch.Distill;

/// <summary>What one check of 'doctor' found.</summary>
/// <param name="Subject">What was looked at: "system", or a device.</param>
/// <param name="Check">What was checked.</param>
/// <param name="Passed">Whether it is as it must be.</param>
/// <param name="Detail">The numbers: error and tolerance, bytes, times.</param>
/// <param name="Fix">What to do where it is not; null where it is.</param>
internal sealed record Finding(string Subject, string Check, bool Passed, string Detail, string? Fix)
{
    /// <summary>One line for people, without the mark.</summary>
    public string Line => Fix is null ? $"{Check}: {Detail}" : $"{Check}: {Detail.TrimEnd('.')}. {Fix}";
}
