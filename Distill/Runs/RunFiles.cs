namespace InfMatch.Distill;

/// <summary>Where in a run folder its files are; nothing is opened, made or locked.</summary>
internal class RunFiles(string path)
{
    /// <summary>The names of files in a run folder.</summary>
    public const string ConfigName = "config.json", SummaryName = "summary.json";

    /// <summary>The names of folders in it.</summary>
    public const string SetFolder = "synthetic", ExpertFolder = "experts", ImageFolder = "images";

    /// <summary>Where it is.</summary>
    public string Path { get; } = path;

    /// <summary>The resolved settings.</summary>
    public string Config => In(ConfigName);

    /// <summary>The machine, runtime and build.</summary>
    public string Environment => In("environment.json");

    /// <summary>One line of JSON for every step and evaluation.</summary>
    public string Metrics => In("metrics.jsonl");

    /// <summary>The same numbers as a table, for spreadsheets.</summary>
    public string MetricsTable => In("metrics.csv");

    /// <summary>The result.</summary>
    public string Summary => In(SummaryName);

    /// <summary>The recorded experts.</summary>
    public string Experts => In(ExpertFolder);

    /// <summary>The folder of pictures.</summary>
    public string Images => In(ImageFolder);

    /// <summary>The page about the run.</summary>
    public string Report => In("report.html");

    /// <summary>Where real and synthetic images lie in the features of a network.</summary>
    public string Features => In("features.json");

    /// <summary>The distilled set with a number of images per class.</summary>
    public string Set(int ipc) => In(SetFolder, $"ipc{ipc}.safetensors");

    /// <summary>The state from which its distillation continues.</summary>
    public string Checkpoint(int ipc) => In("checkpoints", $"ipc{ipc}.safetensors");

    /// <summary>The result of a run on image-text pairs.</summary>
    public string Retrieval => In(RetrievalSummary.FileName);

    /// <summary>The distilled set of so many pairs.</summary>
    public string PairSet(int pairs) => In(SetFolder, $"pairs{pairs}.safetensors");

    /// <summary>The state from which its distillation continues.</summary>
    public string PairCheckpoint(int pairs) => In("checkpoints", $"pairs{pairs}.safetensors");

    /// <summary>The state from which the learning of the similarity of random pairs continues.</summary>
    public string SimilarityCheckpoint(int pairs) => In("checkpoints", $"pairs{pairs}-similarity.safetensors");

    /// <summary>The training images and captions that are nearest to pairs.</summary>
    public string Neighbours => In("neighbours.json");

    /// <summary>The picture of a set of so many pairs.</summary>
    public string PairPicture(int pairs) => In(ImageFolder, $"pairs{pairs}.png");

    /// <summary>A picture of the set with a number of images per class.</summary>
    public string Picture(int ipc, string what) => In(ImageFolder, $"ipc{ipc}-{what}.png");

    /// <summary>The picture of this set as it is now.</summary>
    public string PictureNow(int ipc) => In(ImageFolder, $"ipc{ipc}.png");

    /// <summary>A path in the folder.</summary>
    protected string In(params ReadOnlySpan<string> parts) => System.IO.Path.Combine([Path, .. parts]);
}
