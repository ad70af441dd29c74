using InfMatch.Methods;
using System.Text;
using System.Text.Json.Nodes;
using InfMatch.Distill;
using InfMatch.Influence;
using InfMatch.Tensors;
using InfMatch.Tensors.IO;
using InfMatch.Tests.IO;

namespace InfMatch.Tests.Distill;

/// <summary>Mutations against each reader of a run's files.</summary>
public sealed class ArtifactMutationTests : IDisposable
{
    private static readonly string[] s_texts =
    [
        "", "0", "1", "2", "-1", "3", "NaN", "1e400", "99999999999999999999", "none", "eps=0.1", "eps=", "[]", "{}", "[\"a\",\"b\",\"c\"]",
        "{\"epochs\":4}", "{\"seed\":-1}", "60 70", "60", "A", "B", "not measured", "0.5", "tiny", "\u0000", "null",
    ];

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(null)]
    [InlineData(0.1)]
    public void A_distilled_set_survives_mutations(double? zca) => MutationAttack.Run(
        File.ReadAllBytes(ArtifactSample.Write(_folder.Root, zca)), Read, zca is null ? 21ul : 22ul,
        typeof(SafetensorsException), typeof(DistillException));

    // Past the hashes: what somebody does who changes a file on purpose and makes them right again.
    [Fact]
    public void A_distilled_set_survives_mutations_with_right_hashes()
    {
        string path = ArtifactSample.Write(_folder.Root, zca: 0.1);
        (Dictionary<string, NamedArray> arrays, Dictionary<string, string> texts) = ArtifactSample.Parts(path);
        string[] keys = [.. texts.Keys.Order(StringComparer.Ordinal)], names = [.. arrays.Keys.Order(StringComparer.Ordinal)];
        MutationAttack.Run(
            n =>
            {
                RandomKey key = RandomKey.FromSeed(23).Split(n);
                var changedArrays = new Dictionary<string, NamedArray>(arrays, StringComparer.Ordinal);
                var changedTexts = new Dictionary<string, string>(texts, StringComparer.Ordinal);
                int draw = 0;
                if (key.Below(2, draw++) == 0)
                    ChangeText(changedTexts, keys[key.Below(keys.Length, draw++)], key, draw);
                else
                    ChangeArray(changedArrays, names[key.Below(names.Length, draw++)], key, draw);
                ArtifactSample.Rehash(changedArrays, changedTexts);
                using var stream = new MemoryStream();
                Safetensors.Write(stream, changedArrays.Values, changedTexts);
                return stream.ToArray();
            },
            Read, 23, typeof(SafetensorsException), typeof(DistillException));
    }

    [Fact]
    public void A_configuration_survives_mutations()
    {
        string path = _folder.At("config.json");
        string text = ConfigFile.Write("distill", Settings.Resolve("demo", _ => null, _ => null));
        MutationAttack.Run(
            Encoding.UTF8.GetBytes(text), stream => ConfigFile.Read(OnDisk(stream, path)), 24, MutationAttack.OnDisk, typeof(DistillException));
    }

    [Fact]
    public void A_state_survives_mutations()
    {
        string path = State();
        MutationAttack.Run(
            File.ReadAllBytes(path), stream => ReadState(OnDisk(stream, path)), 25, MutationAttack.OnDisk, typeof(SafetensorsException),
            typeof(DamagedFileException), typeof(DistillException));
    }

    // As a state of an earlier version is, where nothing but its own rules protects it.
    [Fact]
    public void A_state_without_a_hash_survives_mutations()
    {
        string path = State();
        ArraySet state = Safetensors.Read(path);
        Safetensors.Write(path, state.Arrays, new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["config_hash"] = state.Metadata["config_hash"],
        });
        MutationAttack.Run(
            File.ReadAllBytes(path), stream => ReadState(OnDisk(stream, path)), 27, MutationAttack.OnDisk, typeof(SafetensorsException),
            typeof(DistillException));
    }

    [Fact]
    public void A_flipped_bit_in_any_byte_of_a_state_is_refused()
    {
        string path = State();
        byte[] valid = File.ReadAllBytes(path);
        Assert.Equal(valid.Length, MutationAttack.Flips(
            valid, path, ReadState, 32, typeof(SafetensorsException), typeof(DamagedFileException), typeof(DistillException)));
    }

    [Theory]
    [InlineData(null, 1)]
    [InlineData(0.1, 17)] // a whitening takes longer to check
    public void A_flipped_bit_in_a_distilled_set_is_refused(double? zca, int every)
    {
        string path = ArtifactSample.Write(_folder.Root, zca);
        byte[] valid = File.ReadAllBytes(path);
        Assert.Equal((valid.Length + every - 1) / every, MutationAttack.Flips(
            valid, path, p => $"{SyntheticArtifact.Read(p).Claim}", 33, every, typeof(SafetensorsException), typeof(DistillException)));
    }

    // Of JSON, a bit of a blank or of the case of an escape changes nothing.
    [Fact]
    public void A_flipped_bit_in_a_configuration_is_refused_or_changes_nothing()
    {
        string path = _folder.At("config.json");
        ConfigFile.Save(path, "distill", Settings.Resolve("demo", _ => null, _ => null));
        byte[] valid = File.ReadAllBytes(path);
        int refused = MutationAttack.Flips(
            valid, path,
            p =>
            {
                (string command, ResolvedSettings read) = ConfigFile.Read(p, Assert.Fail);
                return ConfigFile.Write(command, read);
            },
            34, every: 3, typeof(DistillException));
        Assert.InRange(refused, valid.Length / 3 * 7 / 10, valid.Length / 3 + 1);
    }

    [Fact]
    public void A_flipped_bit_in_a_summary_is_refused_or_changes_nothing()
    {
        string path = _folder.At("summary.json");
        var accuracy = Accuracy.Of([51.25, 52.5]);
        new Summary
        {
            Seconds = 3.5, Device = "a device", Dataset = "tiny", Commit = "abcdef0", Complete = true, Protocol = "protocol A",
            Results = [new IpcResult(1, "paper", new AccuracySet { Distilled = accuracy, Whole = accuracy }) { SetHash = "00" }],
        }.Save(path);
        byte[] valid = File.ReadAllBytes(path);
        int refused = MutationAttack.Flips(
            valid, path,
            p =>
            {
                Summary read = Summary.Read(p);
                Assert.True(read.HasHash, "the hash is gone");
                return read.ToJson();
            },
            35, typeof(DistillException));
        Assert.InRange(refused, valid.Length * 7 / 10, valid.Length);
    }

    [Fact]
    public void A_flipped_bit_in_an_ablation_is_refused_or_changes_nothing()
    {
        var summary = new AblationSummary
        {
            Grid = "paper", Complete = false, Dataset = "tiny", Device = "a device", Commit = "abcdef0", Seconds = 1.5,
            Rows = [new AblationResult(AblationGrid.Of("paper")[0], [])],
        };
        summary.Save(_folder.Root);
        byte[] valid = File.ReadAllBytes(_folder.At(AblationSummary.FileName));
        int refused = MutationAttack.Flips(
            valid, _folder.At(AblationSummary.FileName), _ => AblationSummary.Read(_folder.Root).ToJson(), 36,
            typeof(DistillException));
        Assert.InRange(refused, valid.Length * 7 / 10, valid.Length);
    }

    [Fact]
    public void A_flipped_bit_in_any_line_of_metrics_is_refused_or_changes_nothing()
    {
        string path = _folder.At("metrics.jsonl");
        WriteMetrics(path);
        byte[] valid = File.ReadAllBytes(path);
        int refused = MutationAttack.Flips(valid, path, p => ReopenMetrics(p, valid), 37, typeof(DistillException));
        Assert.InRange(refused, valid.Length * 95 / 100, valid.Length);
    }

    [Fact]
    public void Metrics_survive_mutations()
    {
        string path = _folder.At("metrics.jsonl");
        WriteMetrics(path);
        byte[] valid = File.ReadAllBytes(path);
        MutationAttack.Run(
            valid, stream => { MetricsFile.Open(OnDisk(stream, path), s_saved, _ => { }).Dispose(); }, 28, MutationAttack.OnDisk,
            typeof(DistillException));
    }

    [Fact]
    public void A_trajectory_survives_mutations()
    {
        string path = _folder.At("trajectory");
        using var valid = new MemoryStream();
        Safetensors.Write(valid, ArtifactReaderTests.Trajectory([0, 1, 3], [0.1, 0.1, 0.05]));
        var backend = new ReferenceBackend();
        MutationAttack.Run(
            valid.ToArray(),
            stream =>
            {
                using TrajectoryFile trajectory = TrajectoryFile.Open(OnDisk(stream, path));
                trajectory.Theta(trajectory.Count - 1, backend, DType.Float32).Dispose();
                Assert.True(trajectory.RateBetween(0, trajectory.Count - 1) < double.PositiveInfinity);
            },
            26, MutationAttack.OnDisk, typeof(SafetensorsException), typeof(DamagedFileException), typeof(TrajectoryException));
    }

    private static readonly Dictionary<int, int> s_saved = new() { [1] = 4, [10] = 3 };

    private static void WriteMetrics(string path)
    {
        using MetricsFile file = MetricsFile.Open(path, new Dictionary<int, int>(), Assert.Fail);
        foreach ((int ipc, int steps) in s_saved)
        {
            for (int i = 0; i < steps; i++)
                file.Append(new JsonObject { ["ipc"] = ipc, ["iteration"] = i, ["j"] = 0.9 / (i + 1), ["skipped"] = false });
            file.Append(new JsonObject { ["ipc"] = ipc, ["iteration"] = steps, ["accuracy"] = 51.25 });
        }
    }

    // Opening writes the file anew, so each reading begins from the bytes that it is to look at.
    private static string ReopenMetrics(string path, byte[] valid)
    {
        MetricsFile.Open(path, s_saved, Assert.Fail).Dispose();
        Assert.Equal(valid, File.ReadAllBytes(path));
        return string.Join('\n', MetricsFile.Read(path).Select(l => l.ToJsonString()));
    }

    private static readonly Shape s_images = new(2, 1, 4, 4), s_labels = new(2, 2);
    private static readonly SetOrigin s_origin = new(new string('a', 64), [new string('b', 64), new string('c', 64)]);

    private static readonly SavedArray[] s_layout =
    [
        new("images", ArrayElement.Float32, [2, 1, 4, 4]), new("images.velocity", ArrayElement.Float32, [2, 1, 4, 4]),
        new("label_logits", ArrayElement.Float32, [2, 2]), new("label_logits.velocity", ArrayElement.Float32, [2, 2]),
        new("weight", ArrayElement.Float64, [1]) { IsNumber = true }, new("progress", ArrayElement.Int32, [2]),
    ];

    private string State()
    {
        string path = _folder.At("state");
        NamedArray[] arrays =
        [
            NamedArray.From("images", s_images.Sizes, new float[32]),
            NamedArray.From("images.velocity", s_images.Sizes, new float[32]),
            NamedArray.From("label_logits", s_labels.Sizes, new float[4]),
            NamedArray.From("label_logits.velocity", s_labels.Sizes, new float[4]), NamedArray.From("weight", [1], (double[])[1]),
            NamedArray.From("progress", [2], (int[])[3, 0]),
        ];
        ContentHash.Write(path, arrays, CheckpointFile.Describe(Presets.Demo, s_origin));
        return path;
    }

    private static string ReadState(string path)
    {
        CheckpointFile.IterationOf(path);
        ArraySet state = CheckpointFile.Read(path, s_layout, Presets.Demo, s_origin, _ => { });
        return ContentHash.Of(state.Arrays, state.Metadata);
    }

    private static void Read(Stream stream)
    {
        SyntheticArtifact artifact = ArtifactReader.Check(Safetensors.Read(stream));
        Assert.Equal(artifact.Count, artifact.Labels.Length);
        Assert.Equal(artifact.Count * artifact.Classes, artifact.SoftLabels.Length);
    }

    private static void ChangeText(Dictionary<string, string> texts, string name, RandomKey key, int draw)
    {
        string text = texts[name];
        switch (key.Below(4, draw++))
        {
            case 0:
                texts.Remove(name);
                break;
            case 1 when text.Length > 0:
                char[] letters = text.ToCharArray();
                letters[key.Below(letters.Length, draw++)] = (char)(32 + key.Below(95, draw));
                texts[name] = new string(letters);
                break;
            case 2:
                texts[name] = text + s_texts[key.Below(s_texts.Length, draw)];
                break;
            default:
                texts[name] = s_texts[key.Below(s_texts.Length, draw)];
                break;
        }
    }

    private static void ChangeArray(Dictionary<string, NamedArray> arrays, string name, RandomKey key, int draw)
    {
        NamedArray array = arrays[name];
        int count = array.Count;
        switch (key.Below(5, draw++))
        {
            case 0:
                arrays.Remove(name);
                break;
            case 1:
                arrays[name] = NamedArray.From(name, array.Dimensions, new double[count]);
                break;
            case 2:
                arrays[name] = NamedArray.From(name, [count], array.Element == ArrayElement.Float32 ? array.AsFloat32().ToArray() : new float[count]);
                break;
            case 3:
                arrays[name] = NamedArray.From(name, [0, .. array.Dimensions[1..]], Array.Empty<float>());
                break;
            default:
                if (array.Element != ArrayElement.Float32)
                    break;
                float[] values = array.AsFloat32().ToArray();
                float[] lies = [0, -1, 1e30f, -1e30f, 0.5f, 100];
                values[key.Below(count, draw++)] = lies[key.Below(lies.Length, draw)];
                arrays[name] = NamedArray.From(name, array.Dimensions, values);
                break;
        }
    }

    private static string OnDisk(Stream stream, string path)
    {
        using (FileStream file = File.Create(path))
            stream.CopyTo(file);
        return path;
    }
}
