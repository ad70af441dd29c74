using System.Diagnostics;
using System.Reflection;
using System.Reflection.Emit;
using System.Text.Json.Nodes;
using InfMatch.Distill;
using InfMatch.Methods;
using InfMatch.Tensors;

namespace InfMatch.Tests.Toys;

/// <summary>A toy of each kind, in another assembly than its contract, stands in help, configuration and run without an edit
/// anywhere. A program of its own runs them: what is enumerated once stays so.</summary>
public sealed class ToyTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("infmatch-toys-").FullName;

    [Fact]
    public void Help_names_every_toy()
    {
        string commands = Run("datasets", "--help");
        Assert.Contains("toy-command", commands, StringComparison.Ordinal);
        Assert.DoesNotContain("older-toy", commands, StringComparison.Ordinal);
        string help = Run("distill", "--help");
        foreach (string toy in (string[])
            ["toy-method", "--toy-pull", "toy-network", "toy-data", "toy-protocol", "toy-augmentation", "toy-preset", "toy-estimator",
                "toy-optimiser", "toy-schedule", "toy-rate", "toy-device", "toy-norm", "toy-pooling"])
            Assert.Contains(toy, help, StringComparison.Ordinal);
        string sets = Run("datasets", "list");
        Assert.Contains("toy-data", sets, StringComparison.Ordinal);
        Assert.Contains("toy-pairs", sets, StringComparison.Ordinal);
        Assert.Contains("one: 1 images, 1 captions", Run("datasets", "verify", "toy-pairs"), StringComparison.Ordinal);
    }

    [Fact]
    public void The_published_settings_of_a_toy_are_a_preset_and_what_its_name_stands_for()
    {
        Assert.Matches(@"toyPull\W+3\W+1, 10\W+all", Run("presets", "toy-method"));
        Assert.Matches(@"toyPull\W+5\W+method toy-method \(published\)", Run("config", "show", "--method", "toy-method", "--ipc", "50"));
        Assert.Matches(@"iterations\W+400\W+preset standard", Run("config", "show", "--preset", "standard", "--method", "toy-method"));
    }

    [Fact]
    public void Every_kind_has_a_toy()
    {
        Type[] all =
        [
            .. Directory.EnumerateFiles(AppContext.BaseDirectory, "InfMatch.*.dll").SelectMany(f => Assembly.LoadFrom(f).GetTypes()),
        ];
        Type[] contracts =
        [
            .. all.Where(t => t is { IsAbstract: true, IsClass: true } && t.Assembly != typeof(ToyTests).Assembly
                && t.IsAssignableTo(typeof(IKind)) && !t.BaseType!.IsAssignableTo(typeof(IKind))),
        ];
        Assert.Contains(typeof(DistillationMethod), contracts);
        Assert.All(contracts, contract => Assert.Contains(
            all, type => type.Namespace == typeof(ToyMethod).Namespace && !type.IsAbstract && type.IsSubclassOf(contract)));
    }

    [Fact]
    public void A_command_runs_by_its_name_and_by_an_older_one()
    {
        Assert.Contains("It is a toy.", Run("datasets", "toy-command"), StringComparison.Ordinal);
        Assert.Contains("It is a toy.", Run("datasets", "older-toy"), StringComparison.Ordinal);
    }

    [Fact]
    public void A_run_of_toys_alone_is_distilled_resumed_evaluated_and_verified()
    {
        Run("distill", "--preset", "toy-preset", "--protocol", "toy-protocol", "--out", "runs");
        string run = Directory.GetDirectories(Path.Combine(_folder, "runs"), "*toy-data*").Single();
        JsonObject settings = JsonNode.Parse(File.ReadAllText(Path.Combine(run, "config.json")))!["settings"]!.AsObject();
        foreach ((string key, string value) in (IEnumerable<(string, string)>)
            [("method", "toy-method"), ("toyPull", "2"), ("dataset", "toy-data"), ("model", "toy-network"),
                ("optimiser", "toy-optimiser"), ("rateSchedule", "toy-schedule"), ("protocol", "toy-protocol"),
                ("augment", "toy-augmentation")])
            Assert.Equal(value, settings[key]!["value"]!.ToString());
        Assert.Null(settings["window"]); // of another method
        string metrics = File.ReadAllText(Path.Combine(run, "metrics.jsonl"));
        Assert.Contains("\"evaluations\":6", metrics, StringComparison.Ordinal);
        Assert.Contains("\"toyColumn\": {", File.ReadAllText(Path.Combine(run, "summary.json")), StringComparison.Ordinal);
        Assert.Contains("\"toyColumn\"", File.ReadAllText(Path.Combine(run, "confusion.json")), StringComparison.Ordinal);
        Assert.Contains("distilled, toy labels", File.ReadAllText(Path.Combine(run, "report.html")), StringComparison.Ordinal);
        string hash = Hash(run);

        // From its last state on: the method's own state goes over, and the bits are the same.
        File.Delete(Path.Combine(run, "summary.json"));
        File.Delete(Path.Combine(run, "synthetic", "ipc1.safetensors"));
        Run("resume", run);
        Assert.Equal(hash, Hash(run));
        Assert.Contains("It is a toy.", File.ReadAllText(Path.Combine(run, "report.html")), StringComparison.Ordinal);
        string set = Path.Combine(run, "synthetic", "ipc1.safetensors");
        Assert.Contains("2 images [1, 6, 6] of 2 classes", Run("verify", set), StringComparison.Ordinal);
        Run("export", set, "--to", "toy-form", "--out", Path.Combine(_folder, "form"));
        Assert.Equal("left right", File.ReadAllText(Path.Combine(_folder, "form", "toy.txt")));
        Assert.Contains("toy-network", Run("evaluate", set, "--dataset", "toy-data", "--out", "evaluated"), StringComparison.Ordinal);
    }

    [Fact]
    public void An_estimator_and_a_device_compute()
    {
        Run(
            "distill", "--preset", "demo", "--dataset", "toy-data", "--norm", "toy-norm", "--pooling", "toy-pooling", "--width", "4",
            "--depth", "1", "--eval-width", "4", "--estimator", "toy-estimator", "--device", "toy-device", "--ipc", "1",
            "--iterations", "2", "--experts", "1", "--expert-epochs", "2", "--expert-batch", "8", "--expert-schedule", "toy-rate", "--start-first", "2", "--start-last",
            "4", "--epochs", "1", "--repeats", "1", "--lr-img", "1", "--out", "other");
        string run = Directory.GetDirectories(Path.Combine(_folder, "other"), "*toy-data*").Single();
        Assert.Contains("toy-estimator", File.ReadAllText(Path.Combine(run, "summary.json")), StringComparison.Ordinal);
        string config = File.ReadAllText(Path.Combine(run, "config.json"));
        Assert.Contains("toy-norm", config, StringComparison.Ordinal);
        Assert.Contains("toy-rate", config, StringComparison.Ordinal);
        Assert.Contains("toy-pooling", config, StringComparison.Ordinal);
        string model = Path.Combine(_folder, "toy.onnx");
        Run("export", run, "--to", "onnx", "--out", model);
        Assert.Contains("Sin", File.ReadAllText(model, System.Text.Encoding.Latin1), StringComparison.Ordinal);
    }

    [Fact]
    public void Toys_are_seen_by_nobody_else()
    {
        Assert.DoesNotContain("toy-method", Kinds.Names<DistillationMethod>(), StringComparer.Ordinal);
        Assert.DoesNotContain("toy-preset", Kinds.Names<Preset>(), StringComparer.Ordinal);
    }

    [Fact]
    public void A_plugin_that_cannot_be_loaded_is_named()
    {
        (int code, string output) = Start("nowhere.dll", ["--help"]);
        Assert.Equal((int)ExitCode.Usage, code);
        Assert.Contains("INFMATCH_PLUGINS names nowhere.dll", output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(false, "has no public constructor without parameters")]
    [InlineData(true, "Two of the kind SetSchedule have the name 'cosine'")]
    public void A_plugin_whose_kind_cannot_be_used_is_named(bool isTwice, string expected)
    {
        string file = Path.Combine(_folder, "Bad.dll");
        SaveSchedule(file, isTwice);
        (int code, string output) = Start(file, ["--help"]);
        Assert.Equal((int)ExitCode.Usage, code);
        Assert.Contains("Bad.dll, which cannot be used: ", output, StringComparison.Ordinal);
        Assert.Contains(expected, output, StringComparison.Ordinal);
    }

    // A schedule of a name that there is, or one that nobody can make.
    private static void SaveSchedule(string file, bool canBeMade)
    {
        const MethodAttributes Overrides = MethodAttributes.Public | MethodAttributes.Virtual | MethodAttributes.HideBySig;
        var assembly = new PersistedAssemblyBuilder(new AssemblyName("Bad"), typeof(object).Assembly);
        TypeBuilder type = assembly.DefineDynamicModule("Bad").DefineType("Bad", TypeAttributes.Public, typeof(SetSchedule));
        if (canBeMade)
            type.DefineDefaultConstructor(MethodAttributes.Public);
        ILGenerator name = type.DefineMethod("get_Name", Overrides, typeof(string), []).GetILGenerator();
        name.Emit(OpCodes.Ldstr, "cosine");
        name.Emit(OpCodes.Ret);
        Type[] parameters = [typeof(int), typeof(int), typeof(IReadOnlyList<double>)];
        ILGenerator factor = type.DefineMethod("FactorAt", Overrides, typeof(double), parameters).GetILGenerator();
        factor.Emit(OpCodes.Ldc_R8, 1.0);
        factor.Emit(OpCodes.Ret);
        if (!canBeMade)
            type.DefineConstructor(MethodAttributes.Private, CallingConventions.Standard, []).GetILGenerator().Emit(OpCodes.Ret);
        type.CreateType();
        assembly.Save(file);
    }

    [Fact]
    public void A_plugin_that_lacks_what_it_refers_to_is_named()
    {
        string alone = Path.Combine(_folder, "Alone.dll");
        File.Copy(typeof(ToyMethod).Assembly.Location, alone);
        (int code, string output) = Start(alone, ["--help"]);
        Assert.Equal((int)ExitCode.Usage, code);
        Assert.Contains("INFMATCH_PLUGINS names", output, StringComparison.Ordinal);
        Assert.Contains("xunit", output, StringComparison.Ordinal);
    }

    [Fact]
    public void A_set_of_a_plugins_method_says_without_it_what_is_missing()
    {
        Run("distill", "--preset", "toy-preset", "--out", "lost");
        string run = Directory.GetDirectories(Path.Combine(_folder, "lost"), "*toy-data*").Single();
        foreach (string[] args in (string[][])[["resume", run], ["verify", Path.Combine(run, "synthetic", "ipc1.safetensors")]])
        {
            (int code, string output) = Start("", args);
            Assert.NotEqual(0, code);
            Assert.Contains("INFMATCH_PLUGINS", output, StringComparison.Ordinal);
        }
    }

    private static string Hash(string run) =>
        JsonNode.Parse(File.ReadAllText(Path.Combine(run, "summary.json")))!["results"]![0]!["setHash"]!.GetValue<string>();

    private string Run(params string[] args)
    {
        (int code, string output) = Start(typeof(ToyMethod).Assembly.Location, args);
        Assert.True(code == 0, $"{string.Join(' ', args)} ended with {code}:\n{output}");
        return output;
    }

    private (int Code, string Output) Start(string plugins, string[] args)
    {
        string program = Path.Combine(AppContext.BaseDirectory, "InfMatch.Distill.dll");
        string dotnet = Environment.ProcessPath is { } host && Path.GetFileNameWithoutExtension(host) == "dotnet" ? host : "dotnet";
        var start = new ProcessStartInfo(dotnet, [program, .. args])
        {
            WorkingDirectory = _folder, UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardError = true,
        };
        start.Environment["INFMATCH_PLUGINS"] = plugins;
        start.Environment["INFMATCH_DEVICE"] = "cpu";
        start.Environment.Remove("INFMATCH_DATA");
        using Process process = Process.Start(start)!;
        Task<string> errors = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, output + errors.Result);
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);
}
