namespace InfMatch.Distill;

/// <summary>The folder of an earlier run from which another one takes what no set decides (--baselines-from).</summary>
/// <param name="path">The folder.</param>
internal sealed class BaselineFolder(string path)
{
    private const string Option = "--baselines-from";

    /// <summary>Its name on the command line.</summary>
    public string Path => path;

    /// <summary>Its files.</summary>
    public RunFiles Files { get; } = new(path);

    /// <summary>The settings of its run.</summary>
    /// <param name="result">The file of its result.</param>
    /// <param name="whose">Whose folder it should be, for the message.</param>
    /// <param name="data">The data here.</param>
    /// <exception cref="DistillException">A file is not there, or its run had other data (exit 2), or a file is damaged (exit 3).</exception>
    public RunSettings SettingsOn(RunData data, string result, string whose)
    {
        foreach (string file in (string[])[Files.Config, result, System.IO.Path.Combine(path, RunData.FileName)])
        {
            if (!File.Exists(file))
                throw Refused($"{whose}: it has no {System.IO.Path.GetFileName(file)}");
        }
        if (data.DifferenceFrom(path) is { } difference)
            throw Refused($"a run on the data here: {difference}");
        return ConfigFile.Read(Files.Config).Resolved.Settings;
    }

    /// <summary>Refuses a run whose networks were trained in another way.</summary>
    /// <param name="deciding">What decides it.</param>
    /// <param name="there">The settings of its run.</param>
    /// <param name="here">Those of the run that would take from it.</param>
    /// <exception cref="DistillException">They differ (exit 2).</exception>
    public void RequireSame(IEnumerable<Setting> deciding, RunSettings there, RunSettings here)
    {
        if (deciding.FirstOrDefault(s => s.Show(there) != s.Show(here)) is { } other)
        {
            throw Refused(
                $"a run with the same seed, networks, training and evaluation: there {other.Name} is {other.Show(there)}, and here {other.Show(here)}");
        }
    }

    /// <summary>The error of a folder from which nothing can be taken.</summary>
    /// <param name="expected">What was expected.</param>
    public DistillException Refused(string expected) => DistillException.BadValue(Option, path, expected);

    /// <summary>Where something comes from, in a line.</summary>
    /// <param name="what">What it is.</param>
    /// <param name="device">What it was measured on.</param>
    /// <param name="commit">By which revision of the program.</param>
    public string Describe(string what, string device, string commit) =>
        $"{what} are those of {ShownPath.Of(path)}: {device}, revision {commit}. What is not there is measured.";
}
