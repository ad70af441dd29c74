using InfMatch.Datasets;
using InfMatch.Tensors.IO;

namespace InfMatch.Distill;

/// <summary>Loads data sets with progress, notes and the cache of decoded images.</summary>
internal sealed class DatasetLoading(Terminal terminal, CancellationToken cancel)
{
    /// <summary>The set of image-text pairs of a name; null where it means a set of images.</summary>
    /// <exception cref="DatasetException">No set has this name.</exception>
    public static PairSet? PairsOf(string name) => PairCatalog.Named(name) ?? (DatasetCatalog.Named(name) is not null
        ? null
        : throw DatasetSearch.Unknown(name, [.. DatasetCatalog.Names, .. PairCatalog.Names], "data set"));

    /// <summary>The set of the settings; decoded images are taken from the cache and kept there.</summary>
    /// <exception cref="DatasetException">It is missing or at fault.</exception>
    public DatasetPair Load(RunSettings settings) => Load(settings, useCache: true);

    /// <summary>The set of the settings.</summary>
    /// <exception cref="DatasetException">It is missing or at fault.</exception>
    public DatasetPair Load(RunSettings settings, bool useCache)
    {
        PairsOf(settings.Dataset); // an unknown name may have been meant for either kind
        bool isDecoded = DatasetCatalog.Named(settings.Dataset) is { IsDecoded: true };
        using var stages = new StageProgress(terminal);
        return DatasetCatalog.Load(settings.Dataset, settings.Data, Options(stages, settings.ImageSize, useCache, isDecoded));
    }

    /// <summary>A set of image-text pairs; its images where a size for them is given.</summary>
    /// <exception cref="DatasetException">It is missing or at fault.</exception>
    public PairSplits LoadPairs(PairSet set, string? folder, int? imageSize, bool useCache = true)
    {
        using var stages = new StageProgress(terminal);
        return PairCatalog.Load(set.Name, folder, Options(stages, imageSize, useCache, isDecoded: imageSize is not null));
    }

    private LoadOptions Options(StageProgress stages, int? imageSize, bool useCache, bool isDecoded)
    {
        string? folder = DecodedCache.DefaultFolder(Environment.GetEnvironmentVariable);
        if (useCache && isDecoded && folder is null)
            stages.Note($"Decoded images are not kept: there is no home folder. Name one with {DecodedCache.FolderVariable}.");
        return new LoadOptions
        {
            ImageSize = imageSize,
            Cache = useCache && folder is not null
                ? new DecodedCache(folder, (path, write) => AtomicFile.Write(path, write))
                : null,
            Progress = stages.Report,
            Note = stages.Note,
            Cancel = cancel,
        };
    }
}

/// <summary>Turns reports by name into stages, one after another; nothing is shown before the first.</summary>
internal sealed class StageProgress(Terminal terminal) : IDisposable
{
    private IProgressView? _view;
    private IProgressStage? _stage;
    private string? _name;

    /// <summary>So much of a stage is done; another name begins another stage. A total of 0 is one not known.</summary>
    public void Report(string name, long done, long total)
    {
        _view ??= terminal.MakeProgress();
        if (_name != name)
        {
            _stage?.Dispose();
            (_stage, _name) = (_view.Begin(name, Math.Max(1, total)), name);
        }

        _stage!.Report(total == 0 ? 0 : done, total == 0 ? $"{done >> 20} MiB" : null);
    }

    /// <summary>Writes a line that stays.</summary>
    public void Note(string line)
    {
        if (_view is null)
            terminal.Say(line);
        else
            _view.Note(line);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _stage?.Dispose();
        _view?.Dispose();
    }
}
