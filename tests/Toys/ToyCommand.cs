using System.CommandLine;
using InfMatch.Distill;

namespace InfMatch.Tests.Toys;

/// <summary>A command in one file, below one of the program's own.</summary>
internal sealed class ToyCommand : CommandDefinition
{
    public override string Name => "datasets greet";

    public override IReadOnlyList<string> HiddenNames => ["datasets hail"];

    public override string Help => "Greets a data set.";

    public override Action<CommandContext> Build(Command command)
    {
        AddSettings(command, Named("Dataset"));
        Option<string> words = Add(command, new Option<string>("--words") { Description = "What is said." });
        return at => at.Terminal.Show($"{at.Value(words) ?? "hello"}, {at.Resolve().Settings.Dataset}");
    }
}
