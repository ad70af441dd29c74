using System.CommandLine;
using System.Globalization;

namespace InfMatch.Benchmarks;

/// <summary>'ptx': the kernels of a step as text.</summary>
internal static class PtxCommand
{
    /// <summary>The command.</summary>
    public static Command Make()
    {
        var options = new SizeOptions();
        var folder = new Argument<string>("folder") { Description = "Where the files go." };
        var command = new Command(
            "ptx",
            "Writes the kernels of training and distilling as PTX, one file each, and index.txt with their names. No GPU is needed.")
        {
            folder,
        };
        foreach (Option option in options.Sizes)
            command.Options.Add(option);
        command.SetAction(result =>
        {
            string path = result.GetValue(folder)!;
            Directory.CreateDirectory(path);
            var names = new List<string>();
            foreach ((string name, string text) in DeviceCode.ToPtx(options.Of(result)))
            {
                string file = string.Create(CultureInfo.InvariantCulture, $"k{names.Count:D3}.ptx");
                File.WriteAllText(Path.Combine(path, file), text);
                names.Add($"{file[..^4]} {name}");
            }
            File.WriteAllLines(Path.Combine(path, "index.txt"), names);
            Console.Out.WriteLine($"{names.Count} kernels in {path}");
            return 0;
        });
        return command;
    }
}
