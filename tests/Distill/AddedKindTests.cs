using System.Diagnostics;
using InfMatch.Distill;
using InfMatch.Tests.IO;
using InfMatch.Tests.Toys;

namespace InfMatch.Tests.Distill;

/// <summary>What an assembly beside the program brings is found without an edit: in help, in configurations and in runs.</summary>
public sealed class AddedKindTests
{
    [Fact]
    public void A_data_set_a_protocol_and_a_command_of_another_assembly_are_found()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.At("shades.txt"), "");
        string help = Run(folder, "evaluate", "--help");
        Assert.Contains("toy-shades, image-folder", help, StringComparison.Ordinal);
        Assert.Contains(", toy as nobody does (two epochs); without it A", help, StringComparison.Ordinal);
        Assert.Contains("│ toy-shades", Run(folder, "datasets", "list"), StringComparison.Ordinal);
        Assert.Contains("greet", Run(folder, "datasets", "--help"), StringComparison.Ordinal);
        Assert.DoesNotContain("hail", Run(folder, "datasets", "--help"), StringComparison.Ordinal);
        Assert.Equal("hello, mnist\n", Run(folder, "datasets", "greet", "--dataset", "mnist").ReplaceLineEndings("\n"));
        Assert.Equal("ave, mnist\n", Run(folder, "datasets", "hail", "--words", "ave", "--dataset", "mnist").ReplaceLineEndings("\n"));

        string said = Run(
            folder, "evaluate", "--dataset", "toy-shades", "--data", folder.Root, "--protocol", "toy", "--ipc", "2", "--depth", "2",
            "--eval-width", "4", "--threads", "1", "--out", folder.At("runs"));
        Assert.Contains("protocol toy: convnet-d2-w4, 2 epochs of toy steps of 0.05", said, StringComparison.Ordinal);
        string run = Assert.Single(Directory.GetDirectories(folder.At("runs")));
        string config = File.ReadAllText(Path.Combine(run, "config.json"));
        foreach (string entry in (string[])["\"toy-shades\"", "\"toy\"", "\"protocol toy\""])
            Assert.Contains(entry, config, StringComparison.Ordinal);
    }

    private static string Run(TemporaryFolder folder, params string[] args)
    {
        string[] all = [Path.Combine(AppContext.BaseDirectory, "InfMatch.Distill.dll"), .. args];
        var start = new ProcessStartInfo("dotnet", all)
        {
            WorkingDirectory = folder.Root, RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false,
        };
        start.Environment[Plugins.Variable] = typeof(ToyDataset).Assembly.Location;
        using Process process = Process.Start(start)!;
        Task<string> errors = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.True(process.ExitCode == 0, $"{string.Join(' ', args)}: {errors.Result}");
        return output;
    }
}
