using System.Globalization;
using InfMatch.Nn;
using InfMatch.Tensors;

namespace InfMatch.Distill;

internal sealed partial class OpenedEvaluation
{
    /// <summary>All that decides what a network reaches, apart from its column and number.</summary>
    public string Identity => IdentityOf(Settings);

    /// <summary>The architecture asked for of a network of <see cref="Networks"/>; null for that of the settings.</summary>
    public string? ModelOf(int network) => Record.Models.Count == 0 ? null : Record.Models[network];

    /// <summary>The random real images beside a set.</summary>
    public RealImages Real()
    {
        RunSettings by = Labels?.By ?? Settings;
        return new RealImages(Data, Labels?.Teacher.Networks ?? [], by.Temperature, RandomKey.FromSeed(Settings.Seed).Split("real"))
        {
            RightOnly = by.LabelStart == PlanFactory.Right,
        };
    }

    /// <summary>Where a column of a network stands.</summary>
    public static EvaluatedColumn PlaceOf(Network network, int ipc, ResultColumn column) => new(network.Name, ipc, column.Title);

    /// <summary>What is evaluated in a column.</summary>
    /// <param name="network">What is trained on it.</param>
    /// <param name="model">Its architecture, as it was asked for.</param>
    /// <param name="column">The column.</param>
    /// <param name="sources">What it is made from.</param>
    /// <param name="shared">Where its networks are kept for other processes; null where they are not.</param>
    public EvaluatedSet SetOf(Network network, string? model, ResultColumn column, ColumnSources sources, EvaluatedFolder? shared) => new(
        $"IPC {sources.Ipc}: {column.Title}{(model is null ? "" : $" ({network.Name})")}", r => column.TrainingSet(sources, r))
    {
        Rate = column.IsOfSet ? Rate : null,
        Images = (long)sources.Ipc * Data.Classes,
        Files = shared?.Of(PlaceOf(network, sources.Ipc, column)),
    };

    /// <summary>The folder below --out in which networks are kept for all processes; null where there is none and none is to be made.
    /// </summary>
    /// <param name="backend">Where this process computes.</param>
    /// <param name="note">Is told of damaged files.</param>
    /// <param name="isMade">Whether it is made where it is missing.</param>
    public EvaluatedFolder? Shared(Backend backend, Action<string> note, bool isMade)
    {
        string path = EvaluatedFolder.PathIn(Settings.Out);
        if (isMade)
            RunFolder.RequireWritable(path);
        // How many networks there are decides nothing of one, but the networks that label decide much.
        return Directory.Exists(path)
            ? new EvaluatedFolder(
                path, $"{IdentityOf(Settings with { Repeats = 1 })}\n{Labels?.Teacher.Identity}\n{EvaluatedFolder.PlaceOf(backend)}", note)
            : null;
    }

    private string IdentityOf(RunSettings settings) => string.Join('\n', [
        ConfigFile.Hash(settings), Record.SetSha256 ?? "no set", Record.TrainSha256, Record.TestSha256,
        .. Experts is { } experts ? (string[])[ConfigFile.Hash(experts.Settings)] : [],
        .. Labels is { By.LabelFrom: not null } labels ? (string[])[labels.Teacher.Identity, labels.By.LabelStart] : [],
        .. Rate is { } rate ? (string[])[rate.ToString("R", CultureInfo.InvariantCulture)] : []]);

    // The rate learned with the set, where that is asked for.
    private double? Rate => Set is { } set ? LearnedRate.Of(Settings, set.Numbers, Record.Set ?? "the set") : null;
}
