using System.Runtime.InteropServices;
using System.Text.Json;
using InfMatch.Datasets;
using InfMatch.Tensors;
using InfMatch.Tensors.IO;

namespace InfMatch.Distill;

/// <summary>
/// The times of devices, in a file of the user's cache folder, so that auto measures each device once for a build of the program.
/// A file of another build or a damaged one is measured anew, and the latter is said.
/// </summary>
/// <param name="folder">Where the file is; null where there is no such folder: then every time is measured.</param>
/// <param name="build">What the program is; null for this one.</param>
/// <param name="measure">Measures what it opens; null for the probe.</param>
internal sealed class StepTimeFile(
    string? folder, string? build = null, Func<Func<Backend>, StepTime>? measure = null) : StepTimes
{
    /// <summary>The file's name.</summary>
    public const string FileName = "device-times.json";

    private readonly string _build = build ?? ThisBuild;

    // Told with each time that is measured because of it: which of them is shown is not known here.
    private string? _damage;

    /// <summary>The file of this user.</summary>
    public static StepTimeFile OfUser { get; } = new(DecodedCache.DefaultFolder(Environment.GetEnvironmentVariable));

    // The code itself: a build from changed sources has the commit of an older one.
    private static string ThisBuild => string.Join(
        ' ',
        Kinds.Of<DeviceKind>().Select(kind => kind.GetType().Module.ModuleVersionId).Append(typeof(Tensor).Module.ModuleVersionId)
            .Distinct().Select(id => $"{id:N}").Append(RuntimeInformation.FrameworkDescription));

    /// <inheritdoc/>
    public override StepTime Of(string device, Func<Backend> open)
    {
        (Content content, string? damage) = Read();
        _damage ??= damage;
        if (content.Seconds.TryGetValue(device, out double seconds))
            return new StepTime(seconds, "measured earlier");
        StepTime time = measure is null ? Measure(open) : measure(open);
        string? unkept = Write(content with
        {
            Seconds = new Dictionary<string, double>(content.Seconds, StringComparer.Ordinal) { [device] = time.Seconds },
        });
        return time with { How = string.Join("; ", new[] { time.How, _damage, unkept }.OfType<string>()) };
    }

    private string? Path => folder is null ? null : System.IO.Path.Combine(folder, FileName);

    private (Content Content, string? Damage) Read()
    {
        var empty = new Content(_build, new Dictionary<string, double>(StringComparer.Ordinal));
        if (Path is not { } path || !File.Exists(path))
            return (empty, null);
        try
        {
            (Content found, bool hasHash) = SealedJson.Read<Content>(path);
            if (!hasHash || found.Seconds.Values.Any(s => !double.IsFinite(s) || s <= 0))
                return (empty, $"{path} was damaged");
            return (found.Build == _build ? found : empty, null);
        }
        catch (Exception e) when (e is JsonException or IOException or UnauthorizedAccessException)
        {
            return (empty, $"{path} cannot be used: {e.Message.TrimEnd('.')}");
        }
    }

    private string? Write(Content content)
    {
        if (Path is not { } path)
            return "not kept, as there is no cache folder";
        try
        {
            Directory.CreateDirectory(folder!);
            AtomicFile.WriteAllText(
                path, SealedJson.Seal(JsonSerializer.SerializeToNode(content, JsonText.Options)!.AsObject()) + "\n");
            return null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return $"not kept: {e.Message.TrimEnd('.')}";
        }
    }

    /// <summary>What the file holds.</summary>
    /// <param name="Build">The program that measured.</param>
    /// <param name="Seconds">For a device, and all that its time follows from, the seconds.</param>
    internal sealed record Content(string Build, IReadOnlyDictionary<string, double> Seconds);
}
