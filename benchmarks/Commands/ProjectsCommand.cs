using System.CommandLine;

namespace InfMatch.Benchmarks;

/// <summary>'projects': the plan of the projects as a picture.</summary>
internal static class ProjectsCommand
{
    /// <summary>Where the picture stands in the repository.</summary>
    public const string Picture = "docs/pictures/projects.svg";

    /// <summary>The command.</summary>
    public static Command Make()
    {
        var root = new Option<string>("--root") { Description = "The repository [.]", DefaultValueFactory = _ => "." };
        var command = new Command("projects", $"Draws the projects and their references: {Picture}.") { root };
        command.SetAction(result => File.WriteAllText(
            Path.Combine(result.GetValue(root)!, Picture), ProjectPlan.Svg(PlannedProject.ReadAll(result.GetValue(root)!))));
        return command;
    }
}
