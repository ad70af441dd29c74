using InfMatch.Influence;
using InfMatch.Tensors;
using InfMatch.Tensors.IO;

namespace InfMatch.Distill;

/// <summary>The state from which a distillation continues, with the hash of the settings it belongs to.</summary>
internal static class CheckpointFile
{
    private const string HashKey = "config_hash", Progress = "progress";

    /// <summary>Writes the state as it is now.</summary>
    public static void Write(string path, Distiller distiller, RunSettings settings) => Safetensors.Write(
        path, distiller.Save(),
        new Dictionary<string, string>(StringComparer.Ordinal) { [HashKey] = ConfigFile.Hash(settings) });

    /// <summary>Continues from the state in a file.</summary>
    /// <exception cref="DistillException">It belongs to other settings (exit 2), or is no state of this set (exit 3);
    /// nothing is changed then.</exception>
    /// <exception cref="SafetensorsException">The file is damaged.</exception>
    public static void Restore(string path, Distiller distiller, RunSettings settings) =>
        distiller.Restore(Read(path, distiller.Set.Images.Shape, distiller.Set.LabelLogits.Shape, settings));

    /// <summary>The state in a file, every part of it checked.</summary>
    /// <exception cref="DistillException">It belongs to other settings (exit 2), or is no state of such a set (exit 3).
    /// </exception>
    /// <exception cref="SafetensorsException">The file is damaged.</exception>
    public static ArraySet Read(string path, Shape images, Shape labels, RunSettings settings)
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
        foreach ((string name, ArrayElement element, int[] sizes) in (IEnumerable<(string, ArrayElement, int[])>)
        [
            ("images", ArrayElement.Float32, images.Sizes.ToArray()), ("image_velocity", ArrayElement.Float32, images.Sizes.ToArray()),
            ("label_logits", ArrayElement.Float32, labels.Sizes.ToArray()),
            ("label_velocity", ArrayElement.Float32, labels.Sizes.ToArray()), ("mass", ArrayElement.Float64, [1]),
            (Progress, ArrayElement.Int32, [2]),
        ])
        {
            string expected = $"{name}: {element} [{string.Join(", ", sizes)}]";
            if (!state.TryGet(name, out NamedArray? array))
                throw NoState(path, $"{name} is missing, expected {expected}.");
            if (array.Element != element || !array.Dimensions.SequenceEqual(sizes))
                throw NoState(path, $"it has {array}, this run needs {expected}.");
        }
        ReadOnlySpan<int> progress = state[Progress].AsInt32();
        return progress[0] >= 0 && progress[1] >= 0 && state["mass"].AsFloat64()[0] >= 0
            ? state
            : throw NoState(
                path, $"iteration {progress[0]}, {progress[1]} skipped steps and mass {state["mass"].AsFloat64()[0]} must be 0 or more.");
    }

    /// <summary>The iteration of a state.</summary>
    /// <exception cref="DistillException">It is no state.</exception>
    /// <exception cref="SafetensorsException">The file is damaged.</exception>
    public static int IterationOf(string path) =>
        Safetensors.Read(path).TryGet(Progress, out NamedArray? progress)
            && progress is { Element: ArrayElement.Int32, Count: 2 } && progress.AsInt32()[0] >= 0
            ? progress.AsInt32()[0]
            : throw NoState(path, "it does not tell its iteration.");

    private static DistillException NoState(string path, string what) => new(
        ExitCode.Data, "IM3025", $"{path} is no state of this run: {what} Delete it to distil this set afresh.");
}
