namespace InfMatch.Tests.IO;

internal sealed class TemporaryFolder : IDisposable
{
    public TemporaryFolder() => Root = Directory.CreateTempSubdirectory("infmatch-").FullName;

    public string Root { get; }

    public string[] Names => [.. Directory.GetFileSystemEntries(Root).Select(p => Path.GetFileName(p)!)
        .Order(StringComparer.Ordinal)];

    public string At(string name) => Path.Combine(Root, name);

    public void Dispose() => Directory.Delete(Root, recursive: true);
}
