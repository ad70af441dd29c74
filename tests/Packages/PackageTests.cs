using System.IO.Compression;
using System.Text;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using InfMatch.Tests.Architecture;

namespace InfMatch.Tests.Packages;

/// <summary>What the packages say and hold, and that they work where the repository is not.</summary>
public sealed partial class PackageTests(PackedFeed feed) : IClassFixture<PackedFeed>
{
    private const string Tool = "InfMatch.Distill";

    // The order of use: those with fewer dependencies first. Kinds of devices are enumerated once, so the GPU's come first.
    private static readonly string[] s_libraries =
        ["Tensors.Gpu", "Tensors", "Autograd", "Nn", "Onnx", "Datasets", "Influence", "Methods"];

    [Fact]
    public void Every_package_says_what_it_is()
    {
        Assert.True(feed.Packed.Code == 0, feed.Packed.Output);
        string[] packages = [.. Directory.GetFiles(feed.Feed, "*.nupkg").Select(Path.GetFileName).Order(StringComparer.Ordinal)!];
        string version = XDocument.Parse(Repository.TextFiles.Single(f => f.Path == "Directory.Build.props").Text)
            .Descendants("Version").Single().Value;
        Assert.Equal(
            s_libraries.Select(name => $"InfMatch.{name}.{version}.nupkg").Append($"{Tool}.{version}.nupkg").Order(StringComparer.Ordinal),
            packages, StringComparer.Ordinal);
        foreach (string package in packages)
        {
            using ZipArchive archive = ZipFile.OpenRead(Path.Combine(feed.Feed, package));
            Dictionary<string, string> says = Nuspec(archive);
            Assert.Equal("MIT", says["license"]);
            Assert.Equal("README.md", says["readme"]);
            Assert.Equal(version, says["version"]);
            Assert.InRange(says["description"].Length, 60, 400);
            Assert.DoesNotContain("Package Description", says["description"]);
            Assert.True(says["tags"].Split(' ').Length >= 3, says["tags"]);
            Assert.Matches("^git [0-9a-f]{40}$", says["repository"]);
            Assert.Contains("```csharp", Text(archive, "README.md"));
            Assert.DoesNotContain(archive.Entries, e => e.FullName.Contains("Skia", StringComparison.Ordinal) && e.FullName.EndsWith(".pdb", StringComparison.Ordinal));
            foreach (string dependency in says.Keys.Where(k => k.StartsWith("on InfMatch.", StringComparison.Ordinal)))
                Assert.Equal(version, says[dependency]);
            if (package.StartsWith(Tool, StringComparison.Ordinal))
                continue;
            string assembly = $"lib/net10.0/{package[..^$".{version}.nupkg".Length]}";
            Assert.Contains("<summary>", Text(archive, $"{assembly}.xml"));
            using ZipArchive symbols = ZipFile.OpenRead(Path.Combine(feed.Feed, Path.ChangeExtension(package, ".snupkg")));
            Assert.Contains(symbols.Entries, e => e.FullName == $"{assembly}.pdb" && e.Length > 20_000);
        }
        // 194 MB with the natives of all systems and their debugging data.
        Assert.InRange(new FileInfo(Path.Combine(feed.Feed, $"{Tool}.{version}.nupkg")).Length, 20L << 20, 60L << 20);
    }

    [Fact]
    public void The_code_of_every_readme_runs_outside_the_repository_and_prints_what_stands_there()
    {
        Assert.True(feed.Packed.Code == 0, feed.Packed.Output);
        string folder = Directory.CreateDirectory(Path.Combine(feed.Root, "program")).FullName;
        File.WriteAllText(Path.Combine(folder, "Program.csproj"),
            $"""
            <Project Sdk="Microsoft.NET.Sdk">
              <PropertyGroup>
                <OutputType>Exe</OutputType>
                <TargetFramework>net10.0</TargetFramework>
                <ImplicitUsings>enable</ImplicitUsings>
                <Nullable>enable</Nullable>
                <InvariantGlobalization>true</InvariantGlobalization>
              </PropertyGroup>
              <ItemGroup>
            {string.Join('\n', s_libraries.Select(name => $"    <PackageReference Include=\"InfMatch.{name}\" Version=\"*\" />"))}
              </ItemGroup>
            </Project>
            """);
        foreach (string name in s_libraries)
            File.WriteAllText(Path.Combine(folder, $"{name}.cs"), AsClass(name, Block(name, "csharp")));
        File.WriteAllText(Path.Combine(folder, "Program.cs"), string.Concat(s_libraries.Select(name =>
            $"Console.WriteLine(\"== {name}\");\nReadme.Of{name.Replace(".", "", StringComparison.Ordinal)}.Run();\n")));

        (int code, string output) = feed.Run(folder, "dotnet", "run", "--configuration", "Release", "-v", "q");

        Assert.True(code == 0, output);
        string[] parts = output.ReplaceLineEndings("\n").Split("== ")[1..];
        Assert.Equal(
            s_libraries.Select(name => $"{name}\n{Block(name, "text")}"), parts.Select(part => part.TrimEnd() + "\n"), StringComparer.Ordinal);
    }

    [Fact]
    public void The_tool_is_installed_into_a_clean_folder_and_distils()
    {
        Assert.True(feed.Packed.Code == 0, feed.Packed.Output);
        string tools = Path.Combine(feed.Root, "tools"), work = Directory.CreateDirectory(Path.Combine(feed.Root, "work")).FullName;
        (int code, string output) = feed.Run(
            feed.Root, "dotnet", "tool", "install", Tool, "--tool-path", tools, "--add-source", feed.Feed,
            "--configfile", Path.Combine(feed.Root, "NuGet.config"));
        Assert.True(code == 0, output);
        string infmatch = Path.Combine(tools, OperatingSystem.IsWindows() ? "infmatch.exe" : "infmatch");

        (code, output) = feed.Run(work, infmatch, "--version");
        Assert.True(code == 0, output);
        Assert.Matches(@"^\d+\.\d+\.\d+", output);

        (code, output) = feed.Run(
            work, infmatch, "distill", "--preset", "demo", "--ipc", "1", "--iterations", "2", "--epochs", "1", "--experts", "1",
            "--expert-epochs", "1", "--repeats", "1", "--width", "8", "--eval-width", "8", "--depth", "2", "--device", "cpu",
            "--out", "runs");
        Assert.True(code == 0, output);
        string run = Assert.Single(Directory.GetDirectories(Path.Combine(work, "runs")));
        Assert.True(File.Exists(Path.Combine(run, "synthetic", "ipc1.safetensors")), output);
        Assert.NotEmpty(Directory.GetFiles(Path.Combine(run, "images"), "*.png"));
    }

    // A program of one file as a class: its types stay behind it.
    private static string AsClass(string name, string code)
    {
        string[] lines = code.Split('\n');
        int usings = Array.FindIndex(lines, line => !line.StartsWith("using ", StringComparison.Ordinal) || line.StartsWith("using var", StringComparison.Ordinal));
        int types = Array.FindIndex(lines, line => line.StartsWith("/// <summary>", StringComparison.Ordinal));
        types = types < 0 ? lines.Length : types;
        return new StringBuilder()
            .AppendJoin('\n', lines[..usings])
            .Append($"\nnamespace Readme;\n\ninternal static class Of{name.Replace(".", "", StringComparison.Ordinal)}\n{{\npublic static void Run()\n{{\n")
            .AppendJoin('\n', lines[usings..types]).Append("\n}\n}\n").AppendJoin('\n', lines[types..]).ToString();
    }

    private static string Block(string project, string kind)
    {
        string readme = Repository.TextFiles.Single(f => f.Path == $"{project}/README.md").Text;
        return Assert.Single(Blocks().Matches(readme), m => m.Groups["kind"].Value == kind).Groups["code"].Value;
    }

    private static string Text(ZipArchive archive, string entry)
    {
        using var reader = new StreamReader(archive.GetEntry(entry)!.Open());
        return reader.ReadToEnd();
    }

    // The texts of a nuspec by name, and "on X" for the version of each dependency.
    private static Dictionary<string, string> Nuspec(ZipArchive archive)
    {
        XElement metadata = XDocument.Parse(Text(archive, archive.Entries.Single(e => e.FullName.EndsWith(".nuspec", StringComparison.Ordinal)).FullName))
            .Root!.Elements().Single();
        var says = metadata.Elements().Where(e => !e.HasElements).ToDictionary(e => e.Name.LocalName, e => e.Value, StringComparer.Ordinal);
        XElement repository = metadata.Elements().Single(e => e.Name.LocalName == "repository");
        says["repository"] = $"{repository.Attribute("type")?.Value} {repository.Attribute("commit")?.Value}";
        Assert.DoesNotContain("file:", $"{repository.Attribute("url")?.Value}");
        foreach (XElement on in metadata.Descendants().Where(e => e.Name.LocalName == "dependency"))
            says[$"on {on.Attribute("id")!.Value}"] = on.Attribute("version")!.Value;
        return says;
    }

    [GeneratedRegex("^```(?<kind>\\w+)\n(?<code>.*?)^```$", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex Blocks();
}
