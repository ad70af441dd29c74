using InfMatch.Methods;
using InfMatch.Tensors.IO;

namespace InfMatch.Distill;

/// <summary>The state from which a distillation continues, with the hash of its content and of what it belongs to: the
/// settings, the start and the experts.</summary>
internal static class CheckpointFile
{
    private const string HashKey = "config_hash", ExpertsKey = "experts_sha256", StartKey = "start_sha256";
    private const string Progress = "progress";

    private static readonly Dictionary<string, string> s_olderNames = new(StringComparer.Ordinal)
    {
        ["image_velocity"] = "images.velocity", ["label_velocity"] = "label_logits.velocity", ["mass"] = SyntheticSet.WeightNumber,
    };

    // Of a state of an earlier version: the hash of the settings.
    private const int OlderTexts = 1;

    /// <summary>Writes the state as it is now.</summary>
    public static void Write(string path, Distiller distiller, RunSettings settings, SetOrigin origin) =>
        ContentHash.Write(path, distiller.Save(), Describe(settings, origin));

    /// <summary>The texts next to the arrays of a state.</summary>
    public static Dictionary<string, string> Describe(RunSettings settings, SetOrigin origin) => new(StringComparer.Ordinal)
    {
        [HashKey] = ConfigFile.Hash(settings),
        [ExpertsKey] = string.Join(' ', origin.Experts),
        [StartKey] = origin.Start,
    };

    /// <summary>Continues from the state in a file; a note says where the file has no hash.</summary>
    /// <exception cref="DistillException">It belongs to other settings (exit 2), is no state of this set, or was reached from
    /// other experts (exit 3); nothing is changed then.</exception>
    /// <exception cref="ArrayFileException">The file is damaged.</exception>
    public static void Restore(
        string path, Distiller distiller, RunSettings settings, SetOrigin origin, Action<string> note)
    {
        ArraySet state = Read(path, distiller.Layout(), settings, origin, note);
        try
        {
            distiller.Restore(state);
        }
        catch (KeyNotFoundException e) // an array of the method's own
        {
            throw NoState(path, e.Message);
        }
    }

    /// <summary>The state in a file, every part of it checked.</summary>
    /// <exception cref="DistillException">It belongs to other settings (exit 2), is no state of such a set, or was reached
    /// from other experts (exit 3).</exception>
    /// <exception cref="ArrayFileException">The file is damaged.</exception>
    public static ArraySet Read(
        string path, IReadOnlyList<SavedArray> layout, RunSettings settings, SetOrigin origin, Action<string> note)
    {
        ArraySet state = Safetensors.Read(path);
        bool hasHash = ContentHash.Check(state, OlderTexts);
        if (!hasHash)
            note(OlderFile.Note(path));
        string stored = state.Metadata.GetValueOrDefault(HashKey, "none"), wanted = ConfigFile.Hash(settings);
        if (stored != wanted)
        {
            throw new DistillException(
                ExitCode.Usage, "IM2008",
                $"{path} was saved under other settings (hash {stored}) than config.json holds now ({wanted}). Put the old " +
                "config.json back, or start a new run.");
        }
        foreach ((string key, string text) in Describe(settings, origin))
        {
            if ((hasHash || state.Metadata.ContainsKey(key)) && state.Metadata.GetValueOrDefault(key) != text)
            {
                throw new DistillException(
                    ExitCode.Data, "IM3027",
                    $"{path} was reached {(key == ExpertsKey ? "with other experts" : "from another start")} than this run has now ({key} " +
                    "differs). Put the old files back, or delete it to distil this set afresh.");
            }
        }
        state = state.Renamed(s_olderNames);
        RequireLayout(path, state, layout);
        return state;
    }

    private static void RequireLayout(string path, ArraySet state, IReadOnlyList<SavedArray> layout)
    {
        foreach (SavedArray wanted in layout)
        {
            if (!state.TryGet(wanted.Name, out NamedArray? array))
                throw NoState(path, $"{wanted.Name} is missing, expected {wanted}.");
            if (array.Element != wanted.Element || !array.Dimensions.SequenceEqual(wanted.Dimensions.AsSpan()))
                throw NoState(path, $"it has {array}, this run needs {wanted}.");
            if (wanted.IsNumber && !(array.AsFloat64()[0] >= 0))
                throw NoState(path, $"{wanted.Name} is {array.AsFloat64()[0]}, expected a number from 0.");
        }
        ReadOnlySpan<int> progress = state[Progress].AsInt32();
        if (progress[0] < 0 || progress[1] < 0)
            throw NoState(path, $"iteration {progress[0]} and {progress[1]} skipped steps must be 0 or more.");
    }

    /// <summary>The iteration of a state.</summary>
    /// <exception cref="DistillException">It is no state.</exception>
    /// <exception cref="ArrayFileException">The file is damaged.</exception>
    public static int IterationOf(string path)
    {
        ArraySet state = Safetensors.Read(path);
        ContentHash.Check(state, OlderTexts);
        return state.TryGet(Progress, out NamedArray? progress)
            && progress is { Element: ArrayElement.Int32, Count: 2 } && progress.AsInt32()[0] >= 0
            ? progress.AsInt32()[0]
            : throw NoState(path, "it does not tell its iteration.");
    }

    private static DistillException NoState(string path, string what) => new(
        ExitCode.Data, "IM3025", $"{path} is no state of this run: {what} Delete it to distil this set afresh.");
}
