using InfMatch.Influence;
using InfMatch.Tensors;
using InfMatch.Tensors.IO;

namespace InfMatch.Distill;

/// <summary>The state from which a distillation continues, with the hash of the settings it belongs to.</summary>
internal static class CheckpointFile
{
    private const string HashKey = "config_hash";

    /// <summary>Writes the state as it is now.</summary>
    public static void Write(string path, Distiller distiller, RunSettings settings) => Safetensors.Write(
        path, distiller.Save(),
        new Dictionary<string, string>(StringComparer.Ordinal) { [HashKey] = ConfigFile.Hash(settings) });

    /// <summary>Continues from the state in a file.</summary>
    /// <exception cref="DistillException">It belongs to other settings (exit 2), or is no state of this set (exit 3);
    /// nothing is changed then.</exception>
    /// <exception cref="SafetensorsException">The file is damaged.</exception>
    public static void Restore(string path, Distiller distiller, RunSettings settings)
    {
        ArraySet state = Safetensors.Read(path);
        string stored = state.Metadata.GetValueOrDefault(HashKey, "none"), wanted = ConfigFile.Hash(settings);
        if (stored != wanted)
        {
            throw new DistillException(
                ExitCode.Usage, "IM2008",
                $"{path} was saved under other settings (hash {stored}) than config.json holds now ({wanted}). Put the old " +
                "config.json back, or start a new run.");
        }
        try
        {
            distiller.Restore(state);
        }
        catch (Exception e) when (e is KeyNotFoundException or ShapeException or ArrayFileException)
        {
            throw new DistillException(
                ExitCode.Data, "IM3025", $"{path} is no state of this run: {e.Message} Delete it to distil this set afresh.", e);
        }
    }
}
