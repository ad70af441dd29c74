using InfMatch.Datasets;
using InfMatch.Distill;
using InfMatch.Influence;
using InfMatch.Methods;
using InfMatch.Tensors;
using InfMatch.Tensors.IO;
using InfMatch.Tests.Architecture;
using InfMatch.Tests.IO;

namespace InfMatch.Tests.Distill;

/// <summary>What the readers of a run's files accept, and how they refuse the rest.</summary>
public sealed class ArtifactReaderTests : IDisposable
{
    private static readonly ReferenceBackend s_backend = new();

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(null, 1)]
    [InlineData(0.1, 1)]
    [InlineData(null, 2)]
    public void What_was_written_is_read(double? zca, int factor)
    {
        string path = ArtifactSample.Write(_folder.Root, zca, factor);
        SyntheticArtifact read = SyntheticArtifact.Read(path);
        ArraySet arrays = Safetensors.Read(path);
        Assert.Equal((2, 6, 3, factor), (read.Version, read.Count, read.Classes, read.Factor));
        Assert.Equal(arrays["images"].AsFloat32(), read.ToSet(s_backend).Images.ToArray<float>());
        Assert.Equal(arrays["label_logits"].AsFloat32(), read.LabelLogits.AsFloat32());
        Assert.Equal((0.75, 0.01), (read.Weight, read.Rate));
        Assert.Equal([0, 0, 1, 1, 2, 2], read.Labels);
        Assert.Equal(["left", "right", "top"], read.ClassNames, StringComparer.Ordinal);
        Assert.Equal(new Standardisation([0.5f], [0.25f]), read.Standardisation);
        Assert.Equal(zca, read.Whitening?.Epsilon);
        Assert.Equal([60, 70], read.Claim!.Accuracy.Runs);
        Assert.Equal(Claim.EnvironmentOf(s_backend), read.Claim.Environment);
        Assert.Empty(read.Missing);
        Assert.Equal(
            ConfigFile.Hash(ArtifactSample.Settings with { Zca = zca, Factor = factor == 1 ? null : factor }),
            ConfigFile.Hash(read.Settings!));
    }

    public static TheoryData<string, string, string> Lies() => new()
    {
        { "format", "infmatch-synthetic-3", "its format is \"infmatch-synthetic-3\"" },
        { "classes", "[\"a\",\"b\"]", "classes has 2 names, expected 3" },
        { "classes", "left|right|top", "classes is no JSON list of names" },
        { "classes", "[\"a\",\"\\ud800\",\"c\"]", "classes" },
        { "mean", "0.5 0.5", "mean is \"0.5 0.5\", expected 1 numbers" },
        { "mean", "1e300", "mean is \"1e300\", expected 1 numbers" },
        { "std", "0", "std is \"0\", expected numbers above 0" },
        { "std", "NaN", "std is \"NaN\", expected 1 numbers" },
        { "ipc", "3", "ipc is 3, but 6 images of 3 classes are 2 of each" },
        { "depth", "9", "depth is \"9\", but \"2\" in its configuration" },
        { "depth", "-1", "depth is \"-1\", expected a whole number from 1" },
        { "epochs", "5", "epochs is \"5\", but \"4\" in its configuration" },
        { "seed", "4", "seed is \"4\", but \"3\" in its configuration" },
        { "protocol_name", "C", "protocol_name is \"C\", but \"A\"" },
        { "factor", "0", "factor is \"0\", expected a whole number from 1" },
        { "factor", "3", "factor 3 does not divide images of 8×8" },
        { "factor", "2", "factor is \"2\", but \"1\" in its configuration" },
        { "zca", "eps=0.1", "the array 'zca_mean' is missing" },
        { "zca", "on", "zca is \"on\", expected \"none\" or \"eps=0.1\"" },
        { "configuration", "{}", "in its configuration" },
        { "configuration", "[]", "it is []; expected an object" },
        { "configuration", "{\"epochs\":0}", "epochs is 0; expected a whole number from 1" },
        { "configuration", "{\"epochs\":1,\"epochs\":2}", "its configuration cannot be used" },
        { "configuration", "{\"out\":\"elsewhere\"}", "there is no setting \"out\"" },
        { "configuration", "{\"dataset\":\"\\ud800\"}", "its configuration cannot be used" },
        { "ipc", "2 ", "ipc is \"2 \", expected a whole number" },
        { "network", "convnet-d3-w128", "network is \"convnet-d3-w128\", but \"convnet-d2-w4\" in its configuration" },
        { "distilled_with", "mlp", "distilled_with is \"mlp\", but \"convnet-d2-w4\" in its configuration" },
        { "estimator", "unrolled", "estimator is \"unrolled\", but \"first-order\" in its configuration" },
        { "protocol", "protocol A: 1000 epochs", "protocol is \"protocol A: 1000 epochs\", but \"protocol A: convnet-d2-w4, 4 epochs" },
        { "batch", "1", "batch is \"1\", but \"256\" in its configuration" },
        { "optimizer", "adamw", "optimizer is \"adamw\", but \"sgd\" in its configuration" },
        { "weight_decay", "0", "weight_decay is \"0\", but \"0.0005\" in its configuration" },
        { "augmentation_ops", "Digits", "augmentation_ops is \"Digits\", but \"None\" in its configuration" },
        { "lr_origin", "learned", "lr_origin is \"learned\", but \"used\" in its configuration" },
        { "claimed_accuracy", "99.9 ± 0.1", "claimed_accuracy is \"99.9 ± 0.1\", but its runs have 65.0 ± 7.1" },
        { "claimed_mean", "75", "it claims 75 ±" },
        { "claimed_n", "3", "over 3 networks, but its 2 runs" },
        { "claimed_n", "99999", "claimed_n is \"99999\", expected a whole number from 1 to 1000" },
        { "claimed_runs", "60 170", "claimed_runs has \"170\", expected numbers from 0 to 100" },
        { "claimed_runs", "", "claimed_runs has \"\"" },
        { "start_sha256", "abc", "start_sha256 is \"abc\", expected 64 hexadecimal digits" },
        { "experts_sha256", "", "experts_sha256 is \"\", expected 64 hexadecimal digits" },
    };

    [Theory, MemberData(nameof(Lies))]
    public void A_text_that_lies_is_refused_whatever_its_hash(string key, string text, string message)
    {
        string path = ArtifactSample.Write(_folder.Root);
        (Dictionary<string, NamedArray> arrays, Dictionary<string, string> texts) = ArtifactSample.Parts(path);
        texts[key] = text;
        ArtifactSample.Rehash(arrays, texts);
        AssertRefused(path, arrays, texts, "IM3022", message);
        texts.Remove(key);
        AssertRefused(path, arrays, texts, "IM3022", key == "format" ? "its format is \"\"" : $"the text '{key}' is missing");
    }

    public static TheoryData<string> Arrays() =>
        ["images", "label_logits", "labels", "soft_labels", "images_u8", "weight", "lr", "zca_mean", "zca_matrix"];

    [Theory, MemberData(nameof(Arrays))]
    public void An_array_of_another_type_or_shape_is_refused(string name)
    {
        string path = ArtifactSample.Write(_folder.Root, zca: 0.1);
        (Dictionary<string, NamedArray> arrays, Dictionary<string, string> texts) = ArtifactSample.Parts(path);
        NamedArray right = arrays[name];
        arrays[name] = NamedArray.From(name, right.Dimensions, new long[right.Count]);
        ArtifactSample.Rehash(arrays, texts);
        AssertRefused(path, arrays, texts, "IM3022", $"it has {name}: Int64");
        arrays[name] = NamedArray.From(name, [1, .. right.Dimensions], new byte[right.Count]);
        ArtifactSample.Rehash(arrays, texts);
        AssertRefused(path, arrays, texts, "IM3022", $"it has {name}: UInt8");
    }

    [Theory]
    [InlineData("soft_labels", 0.9f, "soft_labels has 0.9 for class 1 of image 1, but the softmax of label_logits is")]
    [InlineData("zca_matrix", 9f, "zca_matrix is not symmetric at [4, 0]")]
    [InlineData("zca_matrix", float.NaN, "holds NaN")]
    [InlineData("images", float.NaN, "holds NaN")]
    [InlineData("images", float.PositiveInfinity, "holds NaN or an infinity")]
    public void A_number_that_lies_is_refused_whatever_its_hash(string name, float value, string message)
    {
        string path = ArtifactSample.Write(_folder.Root, zca: 0.1);
        (Dictionary<string, NamedArray> arrays, Dictionary<string, string> texts) = ArtifactSample.Parts(path);
        float[] values = arrays[name].AsFloat32().ToArray();
        values[4] = value;
        arrays[name] = NamedArray.From(name, arrays[name].Dimensions, values);
        ArtifactSample.Rehash(arrays, texts);
        AssertRefused(path, arrays, texts, null, message);
    }

    [Fact]
    public void Labels_that_are_no_classes_or_too_many_of_one_are_refused()
    {
        string path = ArtifactSample.Write(_folder.Root);
        (Dictionary<string, NamedArray> arrays, Dictionary<string, string> texts) = ArtifactSample.Parts(path);
        arrays["labels"] = NamedArray.From("labels", [6], (int[])[0, 0, 1, 1, 2, 3]);
        AssertRefused(path, arrays, texts, "IM3022", "label 5 is 3, but there are 3 classes");
        arrays["labels"] = NamedArray.From("labels", [6], (int[])[0, 0, 1, 1, 1, 2]);
        AssertRefused(path, arrays, texts, "IM3022", "class 1 has 3 images, expected 2 of each class");
        arrays["labels"] = NamedArray.From("labels", [6], (int[])[0, 1, 2, 0, 1, 2]);
        AssertRefused(path, arrays, texts, "IM3041", "the content does not have the hash");
        arrays["weight"] = NamedArray.From("weight", [1], (double[])[-1]);
        AssertRefused(path, arrays, texts, "IM3022", "weight is -1");
    }

    [Fact]
    public void A_set_of_an_earlier_version_whose_weight_is_called_mass_is_read()
    {
        string path = ArtifactSample.Write(_folder.Root);
        (Dictionary<string, NamedArray> arrays, Dictionary<string, string> texts) = ArtifactSample.Parts(path);
        arrays.Remove("weight");
        arrays["mass"] = NamedArray.From("mass", [1], (double[])[0.75]);
        Assert.True(texts.Remove("method") && texts.Remove("parts") && texts.Remove("numbers"));
        ArtifactSample.Rehash(arrays, texts);
        Safetensors.Write(path, arrays.Values, texts);
        Assert.Equal(0.75, SyntheticArtifact.Read(path).Weight);
    }

    [Fact]
    public void Every_part_and_number_of_a_set_is_read_exported_and_checked()
    {
        string path = ArtifactSample.Write(_folder.Root);
        (Dictionary<string, NamedArray> arrays, Dictionary<string, string> texts) = ArtifactSample.Parts(path);
        Assert.Equal(("images label_logits", "weight"), (texts["parts"], texts["numbers"]));
        float[] values = [.. Enumerable.Range(0, 30).Select(i => i / 7f)];
        arrays["texts"] = NamedArray.From("texts", [6, 5], values);
        arrays["temperature"] = NamedArray.From("temperature", [1], (double[])[-0.5]);
        (texts["parts"], texts["numbers"]) = ("images label_logits texts", "temperature weight");
        ArtifactSample.Rehash(arrays, texts);
        Safetensors.Write(path, arrays.Values, texts);
        SyntheticArtifact read = SyntheticArtifact.Read(path);
        using var scope = TensorScope.Begin();
        SyntheticSet set = read.ToSet(new CpuBackend(1));
        Assert.Equal(["images", "label_logits", "texts"], set.Parts.Select(p => p.Name), StringComparer.Ordinal);
        Assert.Equal(values, set["texts"].ToArray<float>());
        Assert.Equal((-0.5, 0.75), (set.Numbers["temperature"], set.Weight));
        Assert.Equal(texts["set_sha256"], SyntheticSetFile.Hash(set));
        using (var export = new ExportFolder(_folder.At("npz")))
        {
            new ArtifactExport(read, new PixelView(read)).Write("npz", export);
            export.Complete();
        }
        ArraySet exported = Npz.Read(Path.Combine(_folder.At("npz"), "set.npz"));
        Assert.Equal(values, exported["texts"].AsFloat32().ToArray());
        Assert.Equal(-0.5, exported["temperature"].AsFloat64()[0]);

        arrays["texts"] = NamedArray.From("texts", [5, 6], values);
        AssertRefused(path, arrays, texts, "IM3022", "texts: Float32 [5, 6]");
        arrays.Remove("texts");
        AssertRefused(path, arrays, texts, "IM3022", "'texts' is missing");
    }

    [Fact]
    public void Pixels_that_show_another_image_are_refused_whatever_their_hash()
    {
        string path = ArtifactSample.Write(_folder.Root);
        (Dictionary<string, NamedArray> arrays, Dictionary<string, string> texts) = ArtifactSample.Parts(path);
        byte[] pixels = arrays["images_u8"].AsUInt8().ToArray(), off = [.. pixels];
        void Put(byte[] values)
        {
            arrays["images_u8"] = NamedArray.From("images_u8", arrays["images_u8"].Dimensions, values);
            ArtifactSample.Rehash(arrays, texts);
        }
        off[7] += (byte)(off[7] < 128 ? 1 : -1); // another machine may round the other way
        Put(off);
        Safetensors.Write(path, arrays.Values, texts);
        SyntheticArtifact.Read(path);
        off[7] += (byte)(off[7] < 128 ? 1 : -1);
        Put(off);
        AssertRefused(path, arrays, texts, "IM3022", $"images_u8 has {off[7]} at number 7, but images have {pixels[7]} there");
    }

    [Fact]
    public void A_number_that_the_configuration_contradicts_is_refused()
    {
        string path = ArtifactSample.Write(_folder.Root);
        (Dictionary<string, NamedArray> arrays, Dictionary<string, string> texts) = ArtifactSample.Parts(path);
        arrays["lr"] = NamedArray.From("lr", [1], (double[])[0.5]);
        ArtifactSample.Rehash(arrays, texts);
        AssertRefused(path, arrays, texts, "IM3022", "lr is 0.5, but 0.01 in its configuration");
        path = ArtifactSample.Write(_folder.Root, settings: ArtifactSample.Settings with { Ipc = [1, 10] });
        Assert.Contains(
            "ipc is 2, but 1, 10 in its configuration", Assert.Throws<DistillException>(() => SyntheticArtifact.Read(path)).Message);
    }

    [Theory]
    [InlineData("65.5 ± 1.0", null)]
    [InlineData("64.0 ± 1.0", "claimed_best is \"64.0 ± 1.0\", expected one such as \"65.0 ± 7.1\" and no less")]
    [InlineData("170 ± 1.0", "claimed_best is")]
    [InlineData("70", "claimed_best is")]
    [InlineData(null, "the text 'claimed_best' is missing")]
    public void A_best_epoch_stands_where_it_was_looked_for_and_is_no_worse_than_the_last(string? best, string? message)
    {
        string path = ArtifactSample.Write(
            _folder.Root, claimed: Accuracy.Of([60, 70]) with { Best = Accuracy.Of([61, 71]) },
            settings: ArtifactSample.Settings with { BestEvery = 2 });
        Assert.Equal(66, SyntheticArtifact.Read(path).Claim!.Best!.Value.Mean);
        (Dictionary<string, NamedArray> arrays, Dictionary<string, string> texts) = ArtifactSample.Parts(path);
        texts.Remove(SyntheticSetFile.BestKey);
        if (best is not null)
            texts[SyntheticSetFile.BestKey] = best;
        ArtifactSample.Rehash(arrays, texts);
        if (message is not null)
        {
            AssertRefused(path, arrays, texts, "IM3022", message);
            return;
        }
        Safetensors.Write(path, arrays.Values, texts);
        Assert.Equal((65.5, 1), SyntheticArtifact.Read(path).Claim!.Best);
        (arrays, texts) = ArtifactSample.Parts(ArtifactSample.Write(_folder.Root));
        texts[SyntheticSetFile.BestKey] = best!;
        ArtifactSample.Rehash(arrays, texts);
        AssertRefused(path, arrays, texts, "IM3022", "it has claimed_best, but its configuration looks for no best epoch");
    }

    [Theory]
    [InlineData("convnet")]
    [InlineData("resnet18")]
    [InlineData("lenet")]
    [InlineData("mlp")]
    public void A_set_of_any_network_is_read_again(string model)
    {
        RunSettings settings = ArtifactSample.Settings with { Model = model == "convnet" ? null : model, Norm = "group", Pooling = "max" };
        Assert.Equal(model == "convnet" ? "convnet-d2-w4-groupnorm-maxpool" : model,
            SyntheticArtifact.Read(ArtifactSample.Write(_folder.Root, settings: settings)).Metadata["network"]);
    }

    [Fact]
    public void A_changed_image_is_noticed_by_the_hash_of_the_set_and_a_changed_text_by_that_of_the_content()
    {
        string path = ArtifactSample.Write(_folder.Root);
        (Dictionary<string, NamedArray> arrays, Dictionary<string, string> texts) = ArtifactSample.Parts(path);
        float[] images = arrays["images"].AsFloat32().ToArray();
        images[0] += 1;
        arrays["images"] = NamedArray.From("images", arrays["images"].Dimensions, images);
        AssertRefused(path, arrays, texts, "IM3041", "the set does not have the hash that the file states");
        (arrays, texts) = ArtifactSample.Parts(ArtifactSample.Write(_folder.Root));
        texts["software"] = "another";
        AssertRefused(path, arrays, texts, "IM3041", "the content does not have the hash that the file states");
    }

    [Fact]
    public void The_first_format_is_read_and_what_it_lacks_is_told()
    {
        string path = ArtifactSample.Write(_folder.Root);
        float[] images = SyntheticArtifact.Read(path).ToSet(s_backend).Images.ToArray<float>();
        ArtifactSample.MakeFirstFormat(path);
        SyntheticArtifact read = SyntheticArtifact.Read(path);
        Assert.Equal(1, read.Version);
        Assert.Equal(images, read.ToSet(s_backend).Images.ToArray<float>());
        Assert.Equal(0.01, read.Rate);
        Assert.Equal(["left", "right", "top"], read.ClassNames, StringComparer.Ordinal);
        Assert.Contains("the configuration", read.Missing, StringComparer.Ordinal);
        Assert.Null(read.Claim);
        (Dictionary<string, NamedArray> arrays, Dictionary<string, string> texts) = ArtifactSample.Parts(path);
        texts["set_sha256"] = new string('0', 64);
        AssertRefused(path, arrays, texts, "IM3041", "the set does not have the hash");
    }

    // In a file of an earlier version, which has no hash that would tell before.
    [Theory]
    [InlineData("\"lrImg\": {\n      \"value\": 800", "\"lrImg\": {\n      \"value\": -4", "settings.lrImg.value is -4; expected a number above 0")]
    [InlineData("\"command\": \"distill\",", "\"command\": \"distill\", \"command\": \"train\",", "is no configuration of this version")]
    public void A_configuration_with_a_wrong_value_is_refused(string from, string to, string message)
    {
        string path = _folder.At("config.json");
        ConfigFile.Save(path, "distill", Settings.Resolve("first-order", _ => null, _ => null));
        SealedJsonTests.RemoveHash(path);
        string text = File.ReadAllText(path);
        Assert.Contains(from, text);
        File.WriteAllText(path, text.Replace(from, to, StringComparison.Ordinal));
        Assert.Contains(message, Assert.Throws<DistillException>(() => ConfigFile.Read(path)).Message);
    }

    [Fact]
    public void A_summary_that_is_null_is_refused()
    {
        string path = _folder.At("summary.json");
        File.WriteAllText(path, "null");
        Assert.Equal("IM3020", Assert.Throws<DistillException>(() => Summary.Read(path)).Code);
    }

    // The hash stands in states that were saved before: it must not change, and what the machine decides is not in it.
    [Fact]
    public void The_hash_of_a_configuration_does_not_depend_on_the_machine()
    {
        RunSettings moved = Presets.Of("first-order") with
        {
            Out = "elsewhere", Data = "data", ExpertsFrom = "experts", BaselinesFrom = "table", SaveEvery = 7, Threads = 5, Device = "cpu", MemoryLimit = "1GiB",
        };
        string exported = Path.Combine(Repository.Root, "tests", "Golden", "artifact", "zca");
        // The preset as it was when the set was exported.
        RunSettings then = ArtifactSample.Settings with { Zca = 0.1, Iterations = 400, LrImg = 400, EvaluateEvery = 0 };
        Assert.Equal(
            ExportedSet.Read(exported).Metadata.GetProperty("config_hash").GetString(),
            ConfigFile.Hash(then.With("StartFirst", "16")), StringComparer.Ordinal);
        Assert.Equal(ConfigFile.Hash(Presets.Of("first-order")), ConfigFile.Hash(moved), StringComparer.Ordinal);
        Assert.Equal(ConfigFile.WriteDecisive(Presets.Of("first-order")), ConfigFile.WriteDecisive(moved), StringComparer.Ordinal);
        Assert.NotEqual(ConfigFile.Hash(Presets.Of("first-order")), ConfigFile.Hash(moved with { Seed = 1 }), StringComparer.Ordinal);
    }

    [Fact]
    public void A_trajectory_with_a_rate_that_is_no_number_or_nothing_stored_is_refused()
    {
        string path = _folder.At("t");
        Safetensors.Write(path, Trajectory([0, 2], [0.1, double.NaN, 0.1]));
        Assert.Contains("the rate of step 1 is NaN", Assert.Throws<TrajectoryException>(() => TrajectoryFile.Open(path)).Message);
        Safetensors.Write(path, Trajectory([], [0.1]));
        Assert.Contains("holds no parameters", Assert.Throws<TrajectoryException>(() => TrajectoryFile.Open(path)).Message);
    }

    internal static NamedArray[] Trajectory(int[] steps, double[] rates) =>
    [
        NamedArray.From("steps", [steps.Length], steps), NamedArray.From("rates", [rates.Length], rates),
        NamedArray.From("theta", [steps.Length, 5], new float[steps.Length * 5]),
        NamedArray.From("losses", [rates.Length], new float[rates.Length]), NamedArray.From("accuracy", [1], (double[])[0.5]),
    ];

    private static void AssertRefused(
        string path, Dictionary<string, NamedArray> arrays, Dictionary<string, string> texts, string? code, string message)
    {
        Safetensors.Write(path, arrays.Values, texts);
        Exception refused = Assert.ThrowsAny<Exception>(() => SyntheticArtifact.Read(path));
        Assert.True(refused is SafetensorsException || (refused is DistillException d && d.ExitCode == ExitCode.Data), $"{refused}");
        Assert.Contains(message, refused.Message);
        if (code is not null)
            Assert.Equal(code, ((DistillException)refused).Code);
    }
}
