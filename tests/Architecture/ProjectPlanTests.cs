using System.Xml.Linq;
using InfMatch.Benchmarks;

namespace InfMatch.Tests.Architecture;

public sealed class ProjectPlanTests
{
    [Fact]
    public void The_picture_of_the_projects_is_that_of_the_solution() =>
        Assert.True(
            File.ReadAllText(Path.Combine(Repository.Root, ProjectsCommand.Picture)) == ProjectPlan.Svg(PlannedProject.ReadAll(Repository.Root)),
            $"{ProjectsCommand.Picture} is stale: run 'dotnet run --project benchmarks -- projects'.");

    [Fact]
    public void A_reference_that_follows_from_another_is_not_drawn()
    {
        PlannedProject[] projects = [new("A", "the <first>", []), new("B", "", ["A"]), new("C", "", ["A", "B"])];
        XElement svg = XDocument.Parse(ProjectPlan.Svg(projects)).Root!;
        Assert.Equal(2, svg.Descendants().Count(e => e.Name.LocalName == "line"));
        Assert.Equal(["A", "the <first>", "B", "C"], svg.Descendants().Where(e => e.Name.LocalName == "text" && e.Value.Length > 0)
            .Select(e => e.Value), StringComparer.Ordinal);
    }

    [Fact]
    public void Boxes_do_not_overlap()
    {
        XElement svg = XDocument.Parse(ProjectPlan.Svg(PlannedProject.ReadAll(Repository.Root))).Root!;
        (string, string)[] places =
        [
            .. svg.Descendants().Where(e => e.Name.LocalName == "rect" && e.Attribute("x") is not null)
                .Select(e => ((string)e.Attribute("x")!, (string)e.Attribute("y")!)),
        ];
        Assert.True(places.Length > 7);
        Assert.Distinct(places);
    }

    [Fact]
    public void A_circle_of_references_is_refused() =>
        Assert.Throws<ResultsException>(() => ProjectPlan.Svg([new("A", "", ["B"]), new("B", "", ["A"])]));
}
