using System.Net;

namespace InfMatch.Datasets;

/// <summary>Brings the published files of a data set to a folder, unpacked and checked.</summary>
public sealed class DatasetDownload : IDisposable
{
    private const int MostRedirections = 5;

    private readonly HttpClient _client;
    private readonly DownloadOptions _options;

    /// <summary>Prepares; nothing is asked of the network yet.</summary>
    public DatasetDownload(DownloadOptions? options = null, bool useProxy = true)
    {
        _options = options ?? new DownloadOptions();
        _client = new HttpClient(new SocketsHttpHandler
        {
            MaxAutomaticRedirections = MostRedirections,
            AutomaticDecompression = DecompressionMethods.None,
            ConnectTimeout = _options.Patience,
            UseProxy = useProxy,
        })
        {
            // Each read has its own limit: a large file may take hours.
            Timeout = Timeout.InfiniteTimeSpan,
        };
        _client.DefaultRequestHeaders.UserAgent.ParseAdd("InfMatch.Native");
    }

    /// <summary>
    /// Downloads what is missing into a folder below the given one and returns it. Files that are there already are
    /// left as they are, an archive that is there is checked and unpacked; a partial one is resumed.
    /// </summary>
    /// <exception cref="DatasetException">A file cannot be had or is not the published one.</exception>
    /// <exception cref="IOException">A file cannot be written.</exception>
    public string Get(DownloadSource source, string to)
    {
        string folder = Path.Combine(to, source.Folder);
        Directory.CreateDirectory(to);
        var download = new FileDownload(_client, _options);
        if (source.Archive is { } contents)
        {
            if (Directory.Exists(folder) && Directory.EnumerateFileSystemEntries(folder).Any())
            {
                _options.Note?.Invoke(
                    $"{folder} is there already and left as it is; to have it anew, take it away and call again.");
                return folder;
            }

            PublishedFile file = source.Files[0];
            string archive = Path.Combine(to, file.Name);
            Fetch(download, file, archive);
            if (FileDownload.WhatIsWrong(file, archive) is { } wrong)
            {
                throw new DatasetException(
                    DatasetFault.Damaged, archive, $"this is not the published file ({wrong})", fix: "Remove it and call again.");
            }

            new ArchiveUnpacking(archive, folder, contents, _options.Progress, _options.Cancel).Run();
            File.Delete(archive);
            return folder;
        }

        Directory.CreateDirectory(folder);
        foreach (PublishedFile file in source.Files)
            Fetch(download, file, Path.Combine(folder, file.Name));
        return folder;
    }

    /// <inheritdoc/>
    public void Dispose() => _client.Dispose();

    private void Fetch(FileDownload download, PublishedFile file, string path)
    {
        if (File.Exists(path))
            _options.Note?.Invoke($"{path} is there already.");
        else
            download.RunAsync(file, path).GetAwaiter().GetResult();
    }
}
