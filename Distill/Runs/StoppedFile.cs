using System.Text.Json;
using System.Text.Json.Nodes;
using InfMatch.Tensors.IO;

namespace InfMatch.Distill;

/// <summary>stopped.json: that a number ended a run which was not finite or too large. The same settings lead there again, so
/// the run is none that can go on.</summary>
internal static class StoppedFile
{
    /// <summary>Its name in a run folder.</summary>
    public const string FileName = "stopped.json";

    /// <summary>Whether a run ended so when it was last worked on.</summary>
    public static bool IsIn(string folder) => File.Exists(Path.Combine(folder, FileName));

    /// <summary>Why a run stopped; null where it did not, or the file cannot be read.</summary>
    public static string? ReasonOf(string folder)
    {
        try
        {
            return IsIn(folder) ? SealedJson.Read(Path.Combine(folder, FileName)).Root["reason"]?.GetValue<string>() : null;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or IOException)
        {
            return null;
        }
    }

    /// <summary>Writes down why a run stopped.</summary>
    /// <exception cref="FileWriteException">The file cannot be written.</exception>
    public static void Write(string folder, string reason) => AtomicFile.WriteAllText(
        Path.Combine(folder, FileName), SealedJson.Seal(new JsonObject { ["reason"] = reason }) + "\n");

    /// <summary>Takes it back: the run is worked on again.</summary>
    public static void Remove(string folder) => File.Delete(Path.Combine(folder, FileName));
}
