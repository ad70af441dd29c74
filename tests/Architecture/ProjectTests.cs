using System.Reflection;
using System.Xml.Linq;
using InfMatch.Tensors;

namespace InfMatch.Tests.Architecture;

/// <summary>What the project files and the type names must keep to.</summary>
public sealed class ProjectTests
{
    [Theory]
    [InlineData("Tensors", "")]
    [InlineData("Autograd", "Tensors")]
    [InlineData("Nn", "Autograd")]
    [InlineData("Influence", "Nn")]
    [InlineData("Methods", "Influence")]
    [InlineData("Tensors.Gpu", "Tensors")]
    [InlineData("Onnx", "Nn")]
    [InlineData("Distill", "Datasets Methods Onnx Tensors.Gpu")]
    [InlineData("Benchmarks", "Methods Tensors.Gpu", "benchmarks")]
    public void References_point_one_way(string project, string expected, string? folder = null) =>
        Assert.Equal(expected, string.Join(' ', References(Project($"{folder ?? project}/{project}.csproj"))));

    [Fact]
    public void Datasets_knows_at_most_tensors() =>
        Assert.All(References(Project("Datasets/Datasets.csproj")), name => Assert.Equal("Tensors", name));

    [Fact]
    public void Other_projects_stand_below_tests() =>
        Assert.Equal(
            "Autograd Benchmarks Datasets Distill Influence Methods Nn Onnx Tensors Tensors.Gpu",
            string.Join(' ', Repository.Projects.Select(p => p.Path)
                .Where(IsOfTheProgram)
                .Select(p => Path.GetFileNameWithoutExtension(p)).Order(StringComparer.Ordinal)));

    [Fact]
    public void Only_distill_and_the_benchmarks_are_programs() =>
        Assert.Equal(
            "Distill/Distill.csproj benchmarks/Benchmarks.csproj",
            string.Join(' ', Repository.Projects.Where(p => IsOfTheProgram(p.Path))
                .Where(p => Elements(XDocument.Parse(p.Text), "OutputType").Any()).Select(p => p.Path)));

    [Fact]
    public void Package_versions_are_central_and_each_package_has_one()
    {
        string[] central =
        [
            .. Elements(Project("Directory.Packages.props"), "PackageVersion")
                .Select(e => (string)e.Attribute("Include")!),
        ];
        Assert.Distinct(central, StringComparer.OrdinalIgnoreCase);
        foreach ((string path, string text) in Repository.Projects)
        {
            foreach (XElement package in Elements(XDocument.Parse(text), "PackageReference"))
            {
                string name = (string)package.Attribute("Include")!;
                Assert.True(
                    package.Attribute("Version") is null && package.Attribute("VersionOverride") is null
                        && !package.Elements().Any(e => e.Name.LocalName.StartsWith("Version", StringComparison.Ordinal)),
                    $"{path}: the version of {name} belongs in Directory.Packages.props.");
                Assert.True(
                    central.Contains(name, StringComparer.Ordinal),
                    $"{path}: {name} has no version in Directory.Packages.props.");
            }
        }
    }

    [Fact]
    public void Type_names_say_what_a_type_is()
    {
        string[] banned = ["Util", "Helper", "Manager"];
        Type[] types =
        [
            .. Directory.EnumerateFiles(AppContext.BaseDirectory, "InfMatch.*.dll")
                .SelectMany(file => Assembly.LoadFrom(file).GetTypes())
                .Where(type => type.Namespace?.StartsWith("InfMatch", StringComparison.Ordinal) == true),
        ];
        Assert.Contains(typeof(Tensor), types);
        Assert.All(types, type => Assert.False(
            banned.Any(b => type.Name.Contains(b, StringComparison.Ordinal)), $"{type.FullName}: name what it is."));
    }

    private static bool IsOfTheProgram(string path) =>
        !path.StartsWith("tests/", StringComparison.Ordinal) && !path.StartsWith("samples/", StringComparison.Ordinal);

    private static XDocument Project(string path) =>
        XDocument.Parse(Repository.TextFiles.Single(f => f.Path == path).Text);

    private static string[] References(XDocument project) =>
    [
        .. Elements(project, "ProjectReference")
            .Select(e => Path.GetFileNameWithoutExtension(((string)e.Attribute("Include")!).Replace('\\', '/')))
            .Order(StringComparer.Ordinal),
    ];

    private static IEnumerable<XElement> Elements(XDocument project, string name) =>
        project.Descendants().Where(e => e.Name.LocalName == name);
}
