using System.Globalization;
using InfMatch.Influence;
using InfMatch.Nn;
using InfMatch.Tensors;
using InfMatch.Tensors.IO;

namespace InfMatch.Distill;

/// <summary>The networks that label real images: a run's own experts, or those of another folder, of whatever width and number of
/// epochs.</summary>
internal sealed class LabelTeacher : IDisposable
{
    // The epochs in the description of a trajectory, its network, and the images it saw.
    private const string Epochs = "epochs", NetworkName = "network", DataHash = "data";

    private readonly bool _isOwner;
    private string? _hash;

    private LabelTeacher(IReadOnlyList<LabelNetwork> networks, bool isOwner) => (Networks, _isOwner) = (networks, isOwner);

    /// <summary>The networks, in the order of their numbers.</summary>
    public IReadOnlyList<LabelNetwork> Networks { get; }

    /// <summary>What tells its labels from those of others: the hashes of the recordings.</summary>
    public string Identity => string.Join(' ', Networks.Select(n => ArtifactHash.OfTrajectory(n.Trajectory)));

    /// <summary>The hash by which a run knows them again: <see cref="Identity"/> in short.</summary>
    public string Hash => _hash ??= ArtifactHash.OfText(Identity);

    /// <summary>The hash of the networks of a folder, or of the first of them, as <see cref="Hash"/>; nothing of the data is asked.
    /// </summary>
    /// <exception cref="DistillException">There are none.</exception>
    public static string HashOf(string folder, int most = int.MaxValue)
    {
        string[] each = [.. FilesOf(folder).Take(most).Select(file =>
        {
            using TrajectoryFile trajectory = Opened(file);
            return ArtifactHash.OfTrajectory(trajectory);
        })];
        return ArtifactHash.OfText(string.Join(' ', each));
    }

    /// <summary>Refuses to go on with other networks than those that gave labels before.</summary>
    /// <param name="summary">The summary of what is done.</param>
    /// <param name="folder">The networks that would give them now.</param>
    /// <param name="where">The run, for the message.</param>
    /// <exception cref="DistillException">They are others.</exception>
    public static void RequireSame(Summary summary, string folder, string where)
    {
        if (summary.LabelNetworks is { } before && before != HashOf(folder))
        {
            throw Other(
                folder, $"they are not the networks with which {ShownPath.Of(where)} began ({summary.SoftLabels})",
                "Name the folder where those are now.");
        }
    }

    /// <summary>A run's own experts, which stay the run's.</summary>
    public static LabelTeacher Of(IReadOnlyList<Expert> experts) =>
        new([.. experts.Select(e => new LabelNetwork(e.Network, e.Trajectory))], isOwner: false);

    /// <summary>The networks that label in a run: those of --label-from, or else its own experts.</summary>
    /// <exception cref="DistillException">As <see cref="Open"/>.</exception>
    public static LabelTeacher For(RunSettings settings, PreparedData data, IReadOnlyList<Expert> experts) =>
        settings.LabelFrom is { } folder ? Open(folder, data) : Of(experts);

    /// <summary>The networks of a folder of experts, or of a run's folder that has them.</summary>
    /// <exception cref="DistillException">There are none, or they saw other data.</exception>
    /// <exception cref="ArrayFileException">A recording is damaged.</exception>
    public static LabelTeacher Open(string folder, PreparedData data)
    {
        var networks = new List<LabelNetwork>();
        try
        {
            foreach (string file in FilesOf(folder))
            {
                TrajectoryFile trajectory = Opened(file);
                networks.Add(new LabelNetwork(null!, trajectory));
                Network network = NetworkOf(trajectory, data.Image, data.Classes);
                networks[^1] = new LabelNetwork(network, trajectory);
                if (trajectory.Metadata.GetValueOrDefault(DataHash) != data.Train.ContentHash())
                {
                    throw Other(
                        file, "it was trained on other images or labels than those of this run, or on the same ones prepared in another " +
                        "way", "Give networks of the same data set, with the same --zca and --image-size.");
                }
            }
            return new LabelTeacher(networks, isOwner: true);
        }
        catch
        {
            foreach (LabelNetwork network in networks)
                network.Trajectory.Dispose();
            throw;
        }
    }

    /// <summary>The first network of a folder and how many there are, without the data: what memory and time follow from.</summary>
    /// <exception cref="DistillException">There are none, or they are no networks for such images.</exception>
    public static (Network Network, int Count) Outline(string folder, Shape image, int classes)
    {
        string[] files = FilesOf(folder);
        using TrajectoryFile first = Opened(files[0]);
        return (NetworkOf(first, image, classes), files.Length);
    }

    /// <summary>Whose soft labels the settings give, in one line.</summary>
    public string Describe(RunSettings settings) =>
        (settings.LabelStart == PlanFactory.Right ? "mean logits of the right ones of " : "mean logits of ") +
        (settings.LabelFrom is null ? "the experts" : "other networks") + $" ({Who(settings)})";

    // Number, networks, epochs and test accuracy.
    private string Who(RunSettings settings)
    {
        string names = string.Join(" and ", Networks.Select(n => n.Network.Name).Distinct(StringComparer.Ordinal));
        string[] epochs = [.. Networks.Select(n => n.Trajectory.Metadata.GetValueOrDefault(Epochs, "?")).Distinct(StringComparer.Ordinal)];
        double[] known = [.. Networks.Select(n => Math.Round(100 * n.Trajectory.Accuracy, 6)).Where(double.IsFinite)];
        string accuracy = known.Length == 0 ? "" : $", {Accuracy.Of(known).Shown} % on the {(settings.ValidationShare is null ? "test" : "validation")} images";
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{Networks.Count} × {names}, {string.Join(" or ", epochs)} {(epochs is ["1"] ? "epoch" : "epochs")}{accuracy}");
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (LabelNetwork network in _isOwner ? Networks : [])
            network.Trajectory.Dispose();
    }

    private static string[] FilesOf(string folder)
    {
        string at = ExpertLibrary.AreIn(folder) ? folder : RunFolder.ExpertsOf(folder);
        if (!ExpertLibrary.AreIn(at))
        {
            throw Other(
                folder, $"there is no {Path.GetFileName(ExpertLibrary.FileOf(folder, 0))} in it, nor in its folder experts",
                "Give the folder of a 'train', or that of its experts.");
        }
        return [.. Enumerable.Range(0, int.MaxValue).Select(k => ExpertLibrary.FileOf(at, k)).TakeWhile(File.Exists)];
    }

    private static TrajectoryFile Opened(string file)
    {
        try
        {
            return TrajectoryFile.Open(file);
        }
        catch (TrajectoryException e)
        {
            throw new DistillException(ExitCode.Usage, "IM2033", e.Message, e);
        }
    }

    private static Network NetworkOf(TrajectoryFile trajectory, Shape image, int classes)
    {
        string name = trajectory.Metadata.GetValueOrDefault(NetworkName, "not told");
        Network? network = Architectures.OfName(name, image, classes);
        if (network?.Layout.Count == trajectory.ParameterCount)
            return network;
        throw Other(
            trajectory.Path,
            $"its network is {name} with {trajectory.ParameterCount} parameters, " +
            (network is null
                ? $"which is none for images {image} of {classes} classes that can be chosen by name"
                : $"which for images {image} of {classes} classes has {network.Layout.Count}"),
            "Give networks of the same data set.");
    }

    private static DistillException Other(string what, string why, string advice) => new(
        ExitCode.Usage, "IM2033", $"{what} cannot give labels (--label-from): {why}. {advice}");
}
