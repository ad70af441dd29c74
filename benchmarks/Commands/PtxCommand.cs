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
            "Writes the kernels of training and distilling as PTX, one file each; index.txt with their names; and counts.txt with their " +
            "instructions, without copies of registers, by the number of loops in which they stand. No GPU is needed.")
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
            var counts = new List<string> { $"{"kernel",-8}{"loops",6}{"multiply-adds",15}{"shared loads",14}{"others",8}" };
            foreach ((string name, string text) in DeviceCode.ToPtx(options.Of(result)))
            {
                string file = string.Create(CultureInfo.InvariantCulture, $"k{names.Count:D3}.ptx");
                File.WriteAllText(Path.Combine(path, file), text);
                names.Add($"{file[..^4]} {name}");
                counts.AddRange(PtxCounts.Of(text).Select(c => string.Create(
                    CultureInfo.InvariantCulture,
                    $"{file[..^4],-8}{c.Loops,6}{c.MultiplyAdds,15}{c.SharedLoads,14}{c.Others,8}")));
            }
            File.WriteAllLines(Path.Combine(path, "index.txt"), names);
            File.WriteAllLines(Path.Combine(path, "counts.txt"), counts);
            Console.Out.WriteLine($"{names.Count} kernels in {path}");
            return 0;
        });
        return command;
    }
}
