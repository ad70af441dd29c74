using System.Text;
using InfMatch.Tensors;
using InfMatch.Tensors.IO;

namespace InfMatch.Distill;

/// <summary>
/// A folder that appears under its name only when everything in it is written: until then it stands beside it with
/// ".partial" in its name, and it is gone after a failure.
/// </summary>
internal sealed class ExportFolder : IDisposable
{
    private readonly string _final, _staging;
    private readonly FileOperations _files;
    private bool _completed;

    /// <summary>Begins a folder.</summary>
    /// <param name="path">Its name; nothing or an empty folder may stand there.</param>
    /// <param name="files">The file system; null means the real one.</param>
    /// <exception cref="DistillException">Something stands there already, or the place is not writable.</exception>
    public ExportFolder(string path, FileOperations? files = null)
    {
        _files = files ?? FileOperations.Disk;
        _final = Path.TrimEndingDirectorySeparator(Path.GetFullPath(path));
        if (File.Exists(_final) || (Directory.Exists(_final) && Directory.EnumerateFileSystemEntries(_final).Any()))
        {
            throw new DistillException(
                ExitCode.FileSystem, "IM7010",
                $"{path} exists already and is not overwritten. Name another folder with --out, or remove it.");
        }
        _staging = $"{_final}.{Path.GetRandomFileName()[..8]}.partial";
        try
        {
            Directory.CreateDirectory(_staging);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new DistillException(
                ExitCode.FileSystem, "IM7001",
                $"cannot write to {path} ({e.Message.TrimEnd('.')}). Choose a writable folder with --out.", e);
        }
    }

    /// <summary>Writes a file; the folders of its name are made.</summary>
    /// <exception cref="FileWriteException">It cannot be written.</exception>
    public void Write(string name, Action<Stream> write)
    {
        string path = Path.Combine(_staging, name);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        AtomicFile.Write(path, write, _files);
    }

    /// <summary>Writes text as UTF-8.</summary>
    /// <exception cref="FileWriteException">It cannot be written.</exception>
    public void Write(string name, string text)
    {
        byte[] bytes = System.Text.Encoding.UTF8.GetBytes(text);
        Write(name, stream => stream.Write(bytes));
    }

    /// <summary>Gives the folder its name.</summary>
    /// <exception cref="IOException">Something has come to stand there.</exception>
    public void Complete()
    {
        if (Directory.Exists(_final))
            Directory.Delete(_final);
        Directory.Move(_staging, _final);
        _completed = true;
        _files.FlushFolder(Path.GetDirectoryName(_final)!);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (!_completed)
            Directory.Delete(_staging, recursive: true);
    }
}

/// <summary>Folder names for classes.</summary>
internal static class ClassFolders
{
    private const int LongestName = 48;

    /// <summary>
    /// A name for each class, such as 00_T-shirt_top: the number keeps the order of labels when folders are sorted by name,
    /// and keeps apart what differs in letters that were replaced or only in case; letters, digits, '.', '-' and '_' stay.
    /// </summary>
    public static string[] Of(IReadOnlyList<string> names)
    {
        int digits = Math.Max(2, $"{names.Count - 1}".Length);
        return
        [
            .. names.Select((name, i) =>
            {
                string safe = string.Concat(name.Take(LongestName).Select(c => IsPlain(c) || c is '-' or '.' ? c : '_'));
                return $"{i.ToString(System.Globalization.CultureInfo.InvariantCulture).PadLeft(digits, '0')}_{safe.TrimEnd('.')}";
            }),
        ];
    }

    // Some letters are drawn as nothing at all.
    private static bool IsPlain(char c) => char.IsLetterOrDigit(c) && PrintableText.IsPrintable(new Rune(c));
}
