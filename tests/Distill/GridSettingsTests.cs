using InfMatch.Distill;

namespace InfMatch.Tests.Distill;

/// <summary>What the cells of a grid have alike, and what is a method's own.</summary>
public sealed class GridSettingsTests
{
    private static GridSettings Grid(Dictionary<string, string> given, string? preset = null, params string[] sets) =>
        new(new GridInput(preset, s => given.GetValueOrDefault(s.Property), _ => null, null, sets, _ => true));

    private static Dictionary<string, string> Given(params (string Property, string Text)[] values) => new(
        values.Append(("Dataset", "cifar-10")).Append(("Ipc", "10")).ToDictionary(v => v.Item1, v => v.Item2, StringComparer.Ordinal),
        StringComparer.Ordinal);

    [Fact]
    public void Windows_cover_the_epochs_that_they_were_published_for_whatever_the_experts_store()
    {
        GridSettings grid = Grid(Given(("Checkpoints", "8")), "trajectory");
        RunSettings mtt = grid.Of("mtt", 10, 0, 0).Settings, datm = grid.Of("datm", 10, 0, 0).Settings;
        Assert.Equal(("16", "160"), (mtt.Text("Window"), mtt.Text("StartLast"))); // 2 and 20 epochs
        Assert.Equal(("16", "0", "80", "160"), (datm.Text("Window"), datm.Text("StartMin"), datm.Text("StartFirst"), datm.Text("StartLast")));
        ResolvedSettings influence = grid.Of("influence", 10, 0, 0); // 20, 20 and 150 of 47 in an epoch
        Assert.Equal(("3", "3", "26"), (influence.Settings.Text("Window"), influence.Settings.Text("StartFirst"), influence.Settings.Text("StartLast")));
        Assert.StartsWith("scaled to 8 checkpoints an epoch from 20 of 47: preset trajectory", influence.Origins["Window"], StringComparison.Ordinal);
    }

    [Fact]
    public void Windows_that_are_given_or_of_consecutive_steps_stay()
    {
        GridSettings grid = Grid(Given(("Checkpoints", "8"), ("Window", "5"), ("DenseSteps", "50")), "trajectory", "influence:estimator=unrolled", "influence:startLast=40");
        Assert.Equal(("5", "160"), (grid.Of("mtt", 10, 0, 0).Settings.Text("Window"), grid.Of("mtt", 10, 0, 0).Settings.Text("StartLast")));
        RunSettings influence = grid.Of("influence", 10, 0, 0).Settings;
        Assert.Equal(("5", "20", "40"), (influence.Text("Window"), influence.Text("StartFirst"), influence.Text("StartLast")));
    }

    [Fact]
    public void Published_windows_are_as_they_are_on_a_methods_own_experts()
    {
        Dictionary<string, string> given = Given();
        var grid = new GridSettings(new GridInput("trajectory", s => given.GetValueOrDefault(s.Property), _ => null, null, [], _ => true) { HasOwnExperts = true });
        Assert.Equal(("2", 1), (grid.Of("mtt", 10, 0, 0).Settings.Text("Window"), grid.Of("mtt", 10, 0, 0).Settings.Checkpoints));
    }
}
