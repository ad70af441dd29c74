using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json.Nodes;
using InfMatch.Datasets;

namespace InfMatch.Distill;

/// <summary>What the 'datasets' commands do.</summary>
internal sealed class DatasetCommands(Terminal terminal, CancellationToken cancel)
{
    private const string DefaultTarget = "data";
    private const int MostShown = 5;

    /// <summary>How downloads are made; the tests have less patience and their own publishers.</summary>
    public DownloadOptions Patience { get; init; } = new();

    /// <summary>Where a set can be downloaded.</summary>
    public Func<Dataset, DownloadSource?> SourceOf { get; init; } = set => set.Source;

    /// <summary>Whether the system's proxy is used.</summary>
    public bool UseProxy { get; init; } = true;

    /// <summary>'datasets list': every name, what it is, and whether and where it is found.</summary>
    public void List(string? folder)
    {
        var table = new ResultTable(null, left: 7, "name", "what", "training", "test", "classes", "size", "found")
        {
            Optional = ["what", "size"],
        };
        var rows = new JsonArray();
        foreach (Dataset set in DatasetCatalog.All)
        {
            string? found = set.IsAnyFolder ? null : DatasetCatalog.Find(set.Name, folder);
            int? classes = found is null ? null : set.ClassesIn(found);
            PublishedSize? size = set.Published;
            table.Add(
                set.Name, set.Description, $"{size?.Train}", $"{size?.Test}", $"{size?.Classes}", size?.Image ?? "",
                set.IsBuiltIn ? "built in" : set.IsAnyFolder ? "by --data" : found is null ? "no"
                    : classes < size?.Classes ? $"{classes} of {size.Classes} classes" : "yes");
            rows.Add(new JsonObject
            {
                ["name"] = set.Name, ["kind"] = "images", ["description"] = set.Description, ["train"] = size?.Train, ["test"] = size?.Test,
                ["classes"] = size?.Classes, ["classesFound"] = classes, ["size"] = size?.Image,
                ["found"] = set.IsBuiltIn || found is not null, ["folder"] = found,
            });
        }

        terminal.Show(table);
        PairCommands.List(folder, terminal, rows);
        foreach (JsonNode? row in rows.Where(r => r!["folder"] is not null))
            terminal.ShowUnbroken($"{row!["name"]}: {row["folder"]}");
        terminal.Show(
            $"Numbers are those published. Looked in {folder ?? Environment.GetEnvironmentVariable(DatasetCatalog.FolderVariable) ??
            $"the system's folders ({DatasetCatalog.FolderVariable} is not set)"}; 'datasets get NAME' downloads what may be passed on.");
        if (terminal.IsJson)
            terminal.Data.WriteLine(rows.ToJsonString(JsonText.Options));
    }

    /// <summary>'datasets get': downloads, checks, unpacks and reads a set.</summary>
    /// <exception cref="DatasetException">The set cannot be had; the message says what to put where.</exception>
    public void Get(string name, string? to)
    {
        if (PairCatalog.Named(name) is { } pairs)
        {
            PairCommands.RefuseDownload(pairs, terminal);
            return;
        }
        Dataset set = DatasetCatalog.Of(name);
        if (set.IsBuiltIn)
        {
            terminal.Show($"{name} is built in: nothing is to be downloaded.");
            return;
        }

        if (SourceOf(set) is not { } source)
        {
            throw new DistillException(
                ExitCode.Usage, "IM2010",
                $"{name} is nothing to download: it is {set.Description}. Name the folder with --data.");
        }

        string target = to ?? (Environment.GetEnvironmentVariable(DatasetCatalog.FolderVariable) is
            { Length: > 0 } variable
            ? variable : DefaultTarget);
        string folder = Path.Combine(target, source.Folder);
        RunFolder.RequireWritable(target, "--to");
        terminal.Say($"{name} goes to {folder}");
        try
        {
            using var stages = new StageProgress(terminal);
            using var download = new DatasetDownload(
                Patience with { Progress = stages.Report, Note = stages.Note, Cancel = cancel }, UseProxy);
            folder = download.Get(source, target);
        }
        catch (DatasetException e) when (e.Fault == DatasetFault.NotReached)
        {
            terminal.Say(
                $"Without a network: download {string.Join(" and ", source.Files.Select(f => f.Addresses[0]))} elsewhere" +
                (source.Archive is null
                    ? $" and put the files into {folder}."
                    : $", and put it into {target}: the same command then checks and unpacks it."));
            throw;
        }

        // The files of a set that is read at once prove themselves; 110,000 images are left to 'verify' and 'prepare'.
        if (!set.IsDecoded)
            terminal.Show($"Read: {Lines(DatasetCatalog.Load(name, target))}");
        terminal.ShowUnbroken(set.IsDecoded
            ? $"Next: {ShellWord.Program} datasets prepare {name}{ShellWord.Option("--data", target)}"
            : $"Next: {ShellWord.Program} distill --dataset {name}{ShellWord.Option("--data", target)}");
        if (terminal.IsJson)
            terminal.Data.WriteLine(
                new JsonObject { ["name"] = name, ["folder"] = folder }.ToJsonString(JsonText.Options));
    }

    /// <summary>'datasets verify': reads every image and prints what it found.</summary>
    /// <exception cref="DatasetException">The set is missing or at fault.</exception>
    public void Verify(RunSettings settings)
    {
        DatasetPair pair = new DatasetLoading(terminal, cancel).Load(settings, useCache: false);
        var result = new JsonObject { ["name"] = pair.Name };
        foreach ((string part, ImageDataset set) in
            ((string, ImageDataset)[])[("train", pair.Train), ("test", pair.Test)])
        {
            int[] counts = [.. Enumerable.Range(0, set.Classes).Select(set.CountOfClass)];
            var measured = Standardisation.Measure(set.Pixels, set.Channels, set.Height * set.Width);
            string hash = set.ContentHash();
            terminal.Show(
                $"{set}; images of a class: {(set.IsBalanced ? $"{counts[0]}" : $"{counts.Min()} to {counts.Max()}")}");
            terminal.Show($"  measured {measured}");
            terminal.Show($"  SHA-256 of sizes, labels and pixels: {hash}");
            result[part] = new JsonObject
            {
                ["images"] = set.Count, ["channels"] = set.Channels, ["height"] = set.Height, ["width"] = set.Width,
                ["classes"] = set.Classes, ["smallestClass"] = counts.Min(), ["largestClass"] = counts.Max(),
                ["sha256"] = hash,
                ["mean"] = new JsonArray([.. measured.Mean.Select(v => (JsonNode)v)]),
                ["std"] = new JsonArray([.. measured.Std.Select(v => (JsonNode)v)]),
            };
        }

        PublishedSize? size = DatasetCatalog.Of(settings.Dataset).Published;
        bool? isWhole = size is null ? null : (size.Train, size.Test) == (pair.Train.Count, pair.Test.Count);
        result["published"] = isWhole;
        if (isWhole == false)
        {
            terminal.Show(string.Create(
                CultureInfo.InvariantCulture,
                $"This is not all that is published: that has {size!.Train:N0} images for training and {size.Test:N0} for the test."));
        }
        terminal.Show($"Standardised by {pair.Standardisation}");
        Dictionary<UInt128, int> seen = First(pair.Train);
        int[] shared = [.. Enumerable.Range(0, pair.Test.Count).Where(
            i => seen.ContainsKey(KeyOf(pair.Test.Image(i))))];
        int twice = pair.Train.Count - seen.Count, twiceInTest = pair.Test.Count - First(pair.Test).Count;
        terminal.Show(
            $"Images that occur again: {twice} in the training set, {twiceInTest} in the test set; test images that are also in " +
            $"the training set: {shared.Length}");
        foreach (int i in shared.Take(MostShown))
        {
            int other = seen[KeyOf(pair.Test.Image(i))];
            terminal.Show(
                $"  test image {i} ({pair.Test.ClassNames[pair.Test.Label(i)]}) is training image {other} " +
                $"({pair.Train.ClassNames[pair.Train.Label(other)]})");
        }

        if (shared.Length > MostShown)
            terminal.Show($"  and {shared.Length - MostShown} more");
        result["againInTrain"] = twice;
        result["againInTest"] = twiceInTest;
        result["testInTrain"] = shared.Length;
        if (terminal.IsJson)
            terminal.Data.WriteLine(result.ToJsonString(JsonText.Options));
    }

    /// <summary>'datasets prepare': decodes and keeps.</summary>
    /// <exception cref="DatasetException">The set is missing or at fault.</exception>
    public void Prepare(RunSettings settings)
    {
        if (!DatasetCatalog.Of(settings.Dataset).IsDecoded)
        {
            terminal.Show($"{settings.Dataset} is read as it is: nothing is to be prepared.");
            if (terminal.IsJson)
                terminal.Data.WriteLine(new JsonObject { ["name"] = settings.Dataset, ["prepared"] = false }.ToJsonString(JsonText.Options));
            return;
        }

        long start = TimeProvider.System.GetTimestamp();
        DatasetPair pair = new DatasetLoading(terminal, cancel).Load(settings);
        terminal.Show($"Ready: {Lines(pair)} in {Durations.Text(TimeProvider.System.GetElapsedTime(start))}");
        if (terminal.IsJson)
        {
            terminal.Data.WriteLine(new JsonObject
            {
                ["name"] = pair.Name, ["prepared"] = true, ["train"] = pair.Train.Count, ["test"] = pair.Test.Count,
            }.ToJsonString(JsonText.Options));
        }
    }

    private static string Lines(DatasetPair pair) => $"{pair.Train}; {pair.Test}";

    // Each content with the first image that has it.
    private static Dictionary<UInt128, int> First(ImageDataset set)
    {
        var seen = new Dictionary<UInt128, int>(set.Count);
        for (int i = 0; i < set.Count; i++)
            seen.TryAdd(KeyOf(set.Image(i)), i);
        return seen;
    }

    // Half of a SHA-256: equal ones are equal images for every purpose here.
    private static UInt128 KeyOf(ReadOnlySpan<byte> image)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(image, hash);
        return new UInt128(BitConverter.ToUInt64(hash), BitConverter.ToUInt64(hash[8..]));
    }
}
