using System.Text;
using InfMatch.Distill;
using InfMatch.Influence;
using InfMatch.Tensors;
using InfMatch.Tensors.IO;
using InfMatch.Tests.IO;

namespace InfMatch.Tests.Distill;

/// <summary>20,000 mutations against each reader of a run's files.</summary>
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
            Encoding.UTF8.GetBytes(text), stream => ConfigFile.Read(OnDisk(stream, path)), 24, typeof(DistillException));
    }

    [Fact]
    public void A_state_survives_mutations()
    {
        string path = _folder.At("state");
        Shape images = new(2, 1, 4, 4), labels = new(2, 2);
        NamedArray[] arrays =
        [
            NamedArray.From("images", images.Sizes, new float[32]), NamedArray.From("image_velocity", images.Sizes, new float[32]),
            NamedArray.From("label_logits", labels.Sizes, new float[4]),
            NamedArray.From("label_velocity", labels.Sizes, new float[4]), NamedArray.From("mass", [1], (double[])[1]),
            NamedArray.From("progress", [2], (int[])[3, 0]),
        ];
        using var valid = new MemoryStream();
        Safetensors.Write(
            valid, arrays, new Dictionary<string, string>(StringComparer.Ordinal) { ["config_hash"] = ConfigFile.Hash(Presets.Demo) });
        MutationAttack.Run(
            valid.ToArray(),
            stream =>
            {
                CheckpointFile.IterationOf(OnDisk(stream, path));
                CheckpointFile.Read(path, images, labels, Presets.Demo);
            },
            25, typeof(SafetensorsException), typeof(DistillException));
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
            26, typeof(SafetensorsException), typeof(TrajectoryException));
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
