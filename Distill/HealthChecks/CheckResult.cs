using System.Diagnostics.CodeAnalysis;
using InfMatch.Tensors;

namespace InfMatch.Distill;

/// <summary>What one check of 'doctor' found.</summary>
/// <param name="Subject">What was looked at: "system", or a device.</param>
/// <param name="Check">What was checked.</param>
/// <param name="Passed">Whether it is as it must be.</param>
/// <param name="Detail">The numbers: error and tolerance, bytes, times.</param>
/// <param name="Fix">What to do where it is not; null where it is.</param>
internal sealed record CheckResult(string Subject, string Check, bool Passed, string Detail, string? Fix)
{
    /// <summary>What a check found; the fix counts only where it failed.</summary>
    public static CheckResult Of(string subject, string check, bool passed, string detail, string fix) =>
        new(subject, check, passed, detail, passed ? null : fix);

    /// <summary>What a check of a device found, and where it throws, what it threw.</summary>
    [SuppressMessage("Design", "CA1031", Justification = "A check reports whatever a driver throws, and the next one runs.")]
    public static CheckResult Try(string device, string check, string fix, Func<(bool Passed, string Detail)> run)
    {
        try
        {
            (bool passed, string detail) = run();
            return Of(device, check, passed, detail, fix);
        }
        catch (DeviceMemoryException e)
        {
            return Of(
                device, check, false, e.Message,
                "End what else uses the device, or raise --memory-limit where it is set.");
        }
        catch (Exception e)
        {
            return Of(device, check, false, $"{e.GetType().Name}: {e.Message.ReplaceLineEndings(" ")}", fix);
        }
    }

    /// <summary>One line for people, without the mark.</summary>
    public string Line => Fix is null ? $"{Check}: {Detail}" : $"{Check}: {Detail.TrimEnd('.')}. {Fix}";
}
