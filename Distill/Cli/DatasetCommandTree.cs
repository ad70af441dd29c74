using System.CommandLine;
using InfMatch.Datasets;

namespace InfMatch.Distill;

/// <summary>The commands 'datasets …' and their options.</summary>
internal static class DatasetCommandTree
{
    private const string DatasetsHelp =
        """
        Lists, downloads, checks and prepares data sets.

        Environment:
          INFMATCH_DATA   folder of the data sets, where --data or --to is not given
          INFMATCH_CACHE  folder of decoded images, in place of infmatch in the user's cache folder
        """;

    private const string ListHelp = "Lists every data set: what it is, how large, and whether and where its files are found.";

    private const string GetHelp =
        """
        Downloads a data set from its publisher, checks length and MD5, unpacks and reads it. A download that was cut goes on
        where it was. Without a network it says which files to put where.

        Examples:
          dotnet run --project Distill -- datasets get cifar-10 --to ~/data
          dotnet run --project Distill -- distill --dataset cifar-10 --data ~/data
        """;

    private const string VerifyHelp =
        """
        Reads every image of a data set and prints counts, mean and deviation, the SHA-256 of the contents, and which images
        occur twice, above all in both the training and the test set. Kept decoded images are not used.

        Examples:
          dotnet run --project Distill -- datasets verify mnist --data ~/data
          dotnet run --project Distill -- datasets verify image-folder --data ~/pictures --image-size 32
        """;

    private const string PrepareHelp =
        """
        Decodes the images of tiny-imagenet or image-folder and keeps them, so that later commands begin at once.

        Example:
          dotnet run --project Distill -- datasets prepare image-folder --data ~/pictures --image-size 32
        """;

    /// <summary>Makes the command with its subcommands.</summary>
    /// <param name="terminal">Where output goes.</param>
    /// <param name="given">The text of a setting on the command line, or null.</param>
    /// <param name="cancel">Stops the work.</param>
    public static Command Make(
        Terminal terminal, Func<ParseResult, Setting, string?> given, CancellationToken cancel)
    {
        var name = new Argument<string>("NAME")
        {
            Description = $"The data set: {string.Join(", ", DatasetCatalog.Names)}.",
        };
        var to = new Option<string>("--to")
        {
            Description = $"The folder to download into [data] (env: {DatasetCatalog.FolderVariable})",
            HelpName = "FOLDER",
        };
        var datasets = new Command("datasets", DatasetsHelp);
        Add("list", ListHelp, ["Data"], (c, s, _) => c.List(s.Data));
        Add("get", GetHelp, [], (c, s, result) => c.Get(s.Dataset, result.GetValue(to))).Options.Add(to);
        Add("verify", VerifyHelp, ["Data", "ImageSize"], (c, s, _) => c.Verify(s));
        Add("prepare", PrepareHelp, ["Data", "ImageSize"], (c, s, _) => c.Prepare(s));
        return datasets;

        Command Add(string word, string help, string[] options, Action<DatasetCommands, RunSettings, ParseResult> run)
        {
            var command = new Command(word, help);
            if (word != "list")
                command.Arguments.Add(name);
            foreach (Setting setting in Settings.OfData.Where(
                s => options.Contains(s.Property, StringComparer.Ordinal)))
                command.Options.Add(setting.Option);
            command.SetAction(result =>
            {
                string? chosen = word == "list" ? null : result.GetRequiredValue(name);
                ResolvedSettings resolved = Settings.Resolve(
                    "standard", s => s.Property == "Dataset" ? chosen : given(result, s),
                    Environment.GetEnvironmentVariable);

                // Without --data the catalogue looks into the variable's folder itself, and then into those of the
                // system.
                bool isGiven = resolved.Origins["Data"].StartsWith("command", StringComparison.Ordinal);
                run(
                    new DatasetCommands(terminal, cancel),
                    resolved.Settings with { Data = isGiven ? resolved.Settings.Data : null }, result);
            });
            datasets.Subcommands.Add(command);
            return command;
        }
    }
}
