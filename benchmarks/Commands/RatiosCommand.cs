using System.CommandLine;
using System.Text.Json.Nodes;

namespace InfMatch.Benchmarks;

/// <summary>'ratios': how many times faster than another program.</summary>
internal static class RatiosCommand
{
    /// <summary>The command.</summary>
    public static Command Make()
    {
        var runs = new Option<string[]>("--ours")
        {
            Description = "Files of 'convnet --save', one a round.", AllowMultipleArgumentsPerToken = true, Required = true,
        };
        var rivals = new Option<string[]>("--theirs")
        {
            Description = "Files with such JSON objects of another program, one a round.",
            AllowMultipleArgumentsPerToken = true, Required = true,
        };
        Option<bool> json = SizeOptions.MakeJson();
        var command = new Command(
            "ratios", "How many times faster 'convnet' was than another program that ran in turn with it; see eng/compare-cpu.")
        {
            runs, rivals, json,
        };
        command.SetAction(result => Run(result.GetValue(runs)!, result.GetValue(rivals)!, result.GetValue(json)));
        return command;
    }

    private static int Run(string[] runs, string[] rivals, bool isJson)
    {
        try
        {
            JsonObject[] ours = Read(runs);
            IReadOnlyList<Ratios.Entry> entries = Ratios.Of(ours, Read(rivals));
            Console.Out.Write(isJson ? Ratios.ToJson(entries) + "\n" : Ratios.ToTable(entries, ours.Length));
            return 0;
        }
        catch (Exception e) when (e is ArgumentException or IOException or InvalidOperationException or System.Text.Json.JsonException)
        {
            Console.Error.WriteLine($"ratios: {e.Message}");
            return e is IOException ? 7 : 2;
        }
    }

    private static JsonObject[] Read(string[] files) =>
        [.. files.Select(file => JsonNode.Parse(File.ReadAllText(file))!.AsObject())];
}
