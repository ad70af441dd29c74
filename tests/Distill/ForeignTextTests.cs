using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using System.Text.Json;
using InfMatch.Distill;
using InfMatch.Tensors;
using InfMatch.Tensors.IO;
using InfMatch.Tests.Datasets;
using InfMatch.Tests.IO;

namespace InfMatch.Tests.Distill;

/// <summary>Text from outside in every place where some can stand, through every command that may show it: no control
/// character reaches an output or a text file, and no markup, formula or front matter is made of it.</summary>
public sealed class ForeignTextTests : IDisposable
{
    private const string Foreign = "\u001b[31m\n\r\u009b2J\u202e\u2028\u200b\u0000[red]=1+1|`<b>\"',\\";

    private static readonly string[] s_textFiles = [".json", ".jsonl", ".csv", ".md", ".txt", ".py", ".html", ""];

    private readonly CommandRun _run = new()
    {
        Classes = [$"left\ud800{Foreign}", "=cmd|' /C calc'!A0", $"\n---\nlicense: mit{Foreign}"],
    };

    public void Dispose() => _run.Dispose();

    [Fact]
    public void Names_of_classes_are_shown_as_text_by_every_command()
    {
        Run(0, [.. CommandRun.SmallRun(), "--device", "cpu"]);
        string set = Path.Combine(_run.RunPath, "synthetic", "ipc2.safetensors");
        Run(0, "resume", _run.RunPath);
        Run(0, "evaluate", set, "--epochs", "1", "--repeats", "1", "--eval-width", "4", "--augment", "none", "--device", "cpu");
        Run(0, "report", _run.RunPath, "--against", _run.EvaluationPath);
        Run(0, "compare", _run.RunPath, _run.EvaluationPath, "--json");
        Run(0, "compare", _run.RunPath, _run.EvaluationPath);
        RunAsGiven(0, "verify", set, "--quick");
        RunAsGiven(0, "verify", set, "--device", "cpu", "--json");
        foreach (string target in ArtifactExport.Targets)
        {
            RunAsGiven(0, "export", set, "--to", target, "--out", Path.Combine(_run.Folder, target), "--test-images", "--json");
            RequireCard(Path.Combine(_run.Folder, target, "README.md"));
        }
        foreach (string target in ArtifactExport.Targets.Where(target => ArtifactExport.FormOf(target) is PictureForm))
            RequireTables(Path.Combine(_run.Folder, target));
        Run(0,
            "train", "--dataset", "tiny", "--experts", "1", "--expert-epochs", "1", "--expert-batch", "16", "--checkpoints", "4",
            "--width", "4", "--depth", "2", "--device", "cpu");
        string[] small =
        [
            "--dataset", "tiny", "--examples", "20", "--steps", "10", "--batch", "5", "--validation", "10", "--estimators",
            "first-order",
        ];
        Run(0, ["influence", "scores", .. small, "--pictures", "2", "--flip-labels", "0.1", "--json"]);
        Run(0,
        [
            "influence", "validate", .. small, "--seeds", "1", "--leave-out", "2", "--groups", "2", "--subsets", "3", "--candidates",
            "2", "--candidate-ipc", "2", "--test-points", "4", "--group-size", "3", "--displacements", "1",
        ]);
        RequireCleanFiles();
    }

    // The first format holds its texts to less, so more of them come through to what is exported.
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Texts_and_names_within_a_set_are_shown_as_text(bool isFirstFormat)
    {
        using var folder = new TemporaryFolder();
        string path = ArtifactSample.Write(folder.Root);
        if (isFirstFormat)
            ArtifactSample.MakeFirstFormat(path);
        (Dictionary<string, NamedArray> arrays, Dictionary<string, string> texts) = ArtifactSample.Parts(path);
        var taken = new Dictionary<string, string>(texts, StringComparer.Ordinal);
        foreach (string key in texts.Keys.Append("more").Append($"key{Foreign}").ToArray())
        {
            string value = $"{texts.GetValueOrDefault(key)}{Foreign}";
            var changed = new Dictionary<string, string>(texts, StringComparer.Ordinal) { [key] = value };
            ArtifactSample.Rehash(arrays, changed);
            Safetensors.Write(path, arrays.Values, changed);
            Look("verify", path, "--quick", "--json");
            if (_run.Output.Contains("\"passed\": true", StringComparison.Ordinal))
                taken[key] = value;
        }
        int poisoned = taken.Count(t => t.Value.EndsWith(Foreign, StringComparison.Ordinal));
        Assert.True(poisoned >= (isFirstFormat ? 10 : 4), $"{poisoned}");
        ArtifactSample.Rehash(arrays, taken);
        Safetensors.Write(path, arrays.Values, taken);
        foreach (string target in ArtifactExport.Targets)
            Assert.Equal(0, Export(path, target));
        Look("evaluate", path, "--dataset", "tiny", "--epochs", "1", "--repeats", "1", "--eval-width", "4", "--augment", "none", "--device", "cpu");
        Look("verify", path, "--device", "cpu", "--verbose");
    }

    [Fact]
    public void Names_of_arrays_types_and_keys_in_a_damaged_header_are_shown_as_text()
    {
        using var folder = new TemporaryFolder();
        string path = folder.At("set.safetensors"), foreign = JsonSerializer.Serialize(Foreign), rtl = JsonSerializer.Serialize("\u202e[red]");
        const string Entry = "{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}";
        string[] headers =
        [
            $"{{{foreign}:{Entry}}}", $"{{{rtl}:{Entry}}}", $"{{{rtl}:{Entry},{rtl}:{Entry}}}",
            $"{{\"a\":{Entry.Replace("\"F32\"", foreign, StringComparison.Ordinal)}}}",
            $"{{\"a\":{Entry.Replace("\"shape\"", foreign, StringComparison.Ordinal)}}}",
            $"{{\"a\":{Entry.Replace("[1]", $"[{foreign}]", StringComparison.Ordinal)}}}",
            $"{{\"__metadata__\":{{{foreign}:1}},\"a\":{Entry}}}", $"{{\"__metadata__\":{{{foreign}:{foreign},{foreign}:{foreign}}},\"a\":{Entry}}}",
            $"{{\"__metadata__\":{{\"format\":{foreign}}},\"a\":{Entry}}}", $"{{\"__metadata__\":{foreign},\"a\":{Entry}}}",
            "{\u001b[31m", "{\"\u001b\":1}",
        ];
        foreach (string header in headers)
        {
            byte[] json = Encoding.UTF8.GetBytes(header);
            File.WriteAllBytes(path, [.. BitConverter.GetBytes((long)json.Length), .. json, 0, 0, 0, 0]);
            foreach (string[] command in (string[][])[["verify", path, "--quick", "--json"], ["verify", path, "--verbose"], ["evaluate", path]])
                Assert.Equal((int)ExitCode.Data, Look(command));
            Assert.Equal((int)ExitCode.Data, Export(path, "npz"));
        }
    }

    [SkippableFact]
    public void Names_of_files_are_shown_as_text()
    {
        Skip.If(OperatingSystem.IsWindows(), "its file systems take no such names");
        string name = Foreign.Replace("\0", "", StringComparison.Ordinal).Replace("/", "", StringComparison.Ordinal);
        string images = Path.Combine(_run.Folder, $"images{name}");
        foreach (string where in (string[])["a", "b", $"c{name}"])
        {
            Directory.CreateDirectory(Path.Combine(images, where));
            for (int i = 0; i < 6; i++)
                File.WriteAllBytes(Path.Combine(images, where, $"{i}.png"), ImageBytes.PlainPng(8, 8, (byte)(40 * i), (byte)(30 * i), (byte)(200 - 20 * i)));
        }
        File.WriteAllBytes(Path.Combine(images, "a", $"{name}.png"), "none"u8.ToArray());
        using var run = new CommandRun { LoadsItself = true };
        foreach (string[] command in (string[][])
        [
            ["datasets", "verify", "image-folder", "--data", images], ["datasets", "prepare", "image-folder", "--data", images],
            ["datasets", "list", "--data", images], ["distill", "--dataset", "mnist", "--data", images, "--out", run.Runs],
            ["distill", "--dataset", $"x{name}", "--out", run.Runs], ["distill", "--dataset", "image-folder", "--data", images, "--out", run.Runs],
            ["verify", Path.Combine(images, "none")], ["verify", images], ["evaluate", Path.Combine(images, "a", $"{name}.png")],
            ["resume", $"run{name}"], ["resume", images], ["distill", $"--wd{name}"], [$"distil{name}"], ["distill", "--preset", name],
            ["distill", "--device", $"cuda:{name}"], ["distill", "--estimator", name, "--verbose"], ["distill", "--memory-limit", name],
            ["influence", "scores", "--model", name], ["export", images, "--to", name], ["distill", "--out", Path.Combine(images, "a", $"{name}.png")],
            ["verify", Path.Combine(images, "a", $"{name}.png"), "--json", "--verbose"],
        ])
        {
            int code = run.RunAsGiven(Interruption.Silent(), command);
            Assert.True(code is not (int)ExitCode.Bug, $"{string.Join(' ', command)}: {run.Errors}");
            RequireClean(run.Output + run.Errors, string.Join(' ', command));
        }
    }

    [Fact]
    public void The_loader_shows_no_text_raw()
    {
        string[] said = [.. ArtifactExport.Loader().Split('\n').Where(l => l.Contains("f\"", StringComparison.Ordinal))];
        Assert.Equal(7, said.Count(l => l.Contains("{shown(", StringComparison.Ordinal)));
        Assert.All(said, l => Assert.DoesNotMatch(@"\{(recipe|given\.data|folder|part|protocol|path)\b", l));
    }

    // Runs a command; all that it says is looked at.
    private int Look(params string[] command)
    {
        int code = _run.RunAsGiven(Interruption.Silent(), command);
        Assert.True(code is 0 or (int)ExitCode.Data or (int)ExitCode.Usage, $"{code}: {_run.Errors}");
        RequireClean(_run.Output + _run.Errors, string.Join(' ', command));
        return code;
    }

    // The same, and all that is written.
    private int Export(string path, string target)
    {
        string folder = Path.Combine(_run.Folder, target);
        int code = Look("export", path, "--to", target, "--out", folder);
        if (code == 0)
        {
            RequireCard(Path.Combine(folder, "README.md"));
            if (ArtifactExport.FormOf(target) is PictureForm)
                RequireTables(folder);
            RequireCleanFiles();
        }
        return code;
    }

    private void Run(int code, params string[] args)
    {
        Assert.True(_run.Run(args) == code, $"{string.Join(' ', args)}: {_run.Errors}");
        RequireClean(_run.Output + _run.Errors, args[0]);
    }

    private void RunAsGiven(int code, params string[] args)
    {
        Assert.True(_run.RunAsGiven(Interruption.Silent(), args) == code, $"{string.Join(' ', args)}: {_run.Errors}");
        RequireClean(_run.Output + _run.Errors, args[0]);
    }

    private void RequireCleanFiles()
    {
        string[] files =
        [
            .. Directory.GetFiles(_run.Folder, "*", SearchOption.AllDirectories)
                .Where(f => s_textFiles.Contains(Path.GetExtension(f), StringComparer.Ordinal)),
        ];
        Assert.NotEmpty(files);
        foreach (string file in files)
        {
            string text = File.ReadAllText(file);
            RequireClean(text, file);
            RequireClean(Path.GetRelativePath(_run.Folder, file), file);
            if (Path.GetExtension(file) == ".json")
                JsonDocument.Parse(text).Dispose();
        }
    }

    private static void RequireClean(string text, string what)
    {
        foreach (Rune rune in text.ReplaceLineEndings("\n").EnumerateRunes())
        {
            if (rune.Value != '\n' && !PrintableText.IsPrintable(rune))
                Assert.Fail($"{what} holds U+{rune.Value:x4}: {PrintableText.Of(text)}");
        }
    }

    private static void RequireCard(string path)
    {
        string[] lines = File.ReadAllLines(path);
        Assert.Equal(2, lines.Count(l => l == "---"));
        Assert.Equal("license: unknown", lines[1], StringComparer.Ordinal);
        Assert.Single(lines, l => l.StartsWith("license:", StringComparison.Ordinal));
        string[] body = [.. lines.Skip(Array.LastIndexOf(lines, "---") + 1)];
        Assert.DoesNotContain(body, l => l.Contains("<b>", StringComparison.Ordinal));
        Assert.Equal(8, lines.Count(l => l.StartsWith('#')));
    }

    // Rows of equal length, and no cell that a spreadsheet would calculate.
    private static void RequireTables(string folder)
    {
        foreach (string name in (string[])["labels.csv", "soft_labels.csv"])
        {
            ImmutableArray<ImmutableArray<string>> rows = Csv(File.ReadAllText(Path.Combine(folder, name)));
            Assert.True(rows.Length > 1);
            Assert.All(rows, row => Assert.Equal(rows[0].Length, row.Length));
            Assert.All(rows.SelectMany(r => r), cell => Assert.True(
                cell.Length == 0 || !"=+-@\t\r".Contains(cell[0], StringComparison.Ordinal) || double.TryParse(cell, CultureInfo.InvariantCulture, out _), cell));
        }
        Assert.Equal(3, File.ReadAllLines(Path.Combine(folder, "classes.txt")).Length);
    }

    // By RFC 4180, without the mercy of a library.
    private static ImmutableArray<ImmutableArray<string>> Csv(string text)
    {
        var rows = new List<ImmutableArray<string>>();
        var row = new List<string>();
        for (int i = 0; i < text.Length;)
        {
            var cell = new StringBuilder();
            if (text[i] == '"')
            {
                for (i++; text[i] != '"' || text[i + 1] == '"'; i++)
                {
                    if (text[i] == '"')
                        i++;
                    cell.Append(text[i]);
                }
                i++;
            }
            else
            {
                for (; text[i] is not (',' or '\n'); i++)
                {
                    Assert.NotEqual('"', text[i]);
                    cell.Append(text[i]);
                }
            }
            row.Add(cell.ToString());
            Assert.True(text[i] is ',' or '\n');
            if (text[i++] == '\n')
            {
                rows.Add([.. row]);
                row.Clear();
            }
        }
        return [.. rows];
    }
}
