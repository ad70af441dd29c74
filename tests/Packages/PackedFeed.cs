using System.Diagnostics;
using System.Runtime.InteropServices;
using InfMatch.Tests.Architecture;

namespace InfMatch.Tests.Packages;

/// <summary>
/// The solution, packed once into a folder outside the repository, with a NuGet.config there that knows this folder and what was
/// restored before, and a cache of its own: nothing of the user's is written, and nothing is fetched.
/// </summary>
public sealed class PackedFeed : IDisposable
{
    private static readonly TimeSpan s_most = TimeSpan.FromMinutes(5);

    /// <summary>Packs what was built.</summary>
    public PackedFeed()
    {
        Root = Directory.CreateTempSubdirectory("infmatch-packages-").FullName;
        Feed = Path.Combine(Root, "feed");
        Packed = Run(
            Repository.Root, "dotnet", "pack", "InfMatch.Native.sln", "--configuration", "Release", "--no-build", "--output", Feed,
            "-nodeReuse:false");
        string restored = Environment.GetEnvironmentVariable("NUGET_PACKAGES") is { Length: > 0 } named
            ? named
            : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".nuget", "packages");
        File.WriteAllText(
            Path.Combine(Root, "NuGet.config"),
            $"""
            <configuration>
              <packageSources><clear /><add key="packed" value="{Feed}" /><add key="restored" value="{restored}" /></packageSources>
              <fallbackPackageFolders><clear /></fallbackPackageFolders>
            </configuration>
            """);
    }

    /// <summary>A folder outside the repository.</summary>
    public string Root { get; }

    /// <summary>Where the packages are.</summary>
    public string Feed { get; }

    /// <summary>How packing ended.</summary>
    public (int Code, string Output) Packed { get; }

    /// <summary>Runs a program in a folder, with a cache of packages of its own, and returns its exit code and what it said.</summary>
    public (int Code, string Output) Run(string folder, string program, params string[] args)
    {
        var start = new ProcessStartInfo(program, args)
        {
            WorkingDirectory = folder, RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false,
        };
        string dotnet = Path.GetFullPath(Path.Combine(RuntimeEnvironment.GetRuntimeDirectory(), "..", "..", ".."));
        foreach ((string name, string? value) in new Dictionary<string, string?>(StringComparer.Ordinal)
        {
            ["DOTNET_ROOT"] = dotnet,
            ["NUGET_PACKAGES"] = Path.Combine(Root, "cache"),
            ["DOTNET_CLI_UI_LANGUAGE"] = "en",
            ["DOTNET_CLI_TELEMETRY_OPTOUT"] = "1",
            ["DOTNET_NOLOGO"] = "1",
            ["MSBUILDDISABLENODEREUSE"] = "1",
            ["INFMATCH_DATA"] = null,
            ["INFMATCH_PLUGINS"] = null,
        })
            start.Environment[name] = value;
        // Packing reads what was restored into the usual place.
        if (folder == Repository.Root)
            start.Environment["NUGET_PACKAGES"] = Environment.GetEnvironmentVariable("NUGET_PACKAGES");
        using Process process = Process.Start(start)!;
        Task<string> output = process.StandardOutput.ReadToEndAsync(), errors = process.StandardError.ReadToEndAsync();
        if (!process.WaitForExit(s_most))
        {
            process.Kill(entireProcessTree: true);
            throw new TimeoutException($"{program} {string.Join(' ', args)} took longer than {s_most}.");
        }
        return (process.ExitCode, output.GetAwaiter().GetResult() + errors.GetAwaiter().GetResult());
    }

    /// <inheritdoc/>
    public void Dispose() => Directory.Delete(Root, recursive: true);
}
