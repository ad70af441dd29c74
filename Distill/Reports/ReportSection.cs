using System.Xml.Linq;
using InfMatch.Tensors;

namespace InfMatch.Distill;

/// <summary>A section of a page about a run, or about several: one type, found by enumeration.</summary>
internal abstract class ReportSection : IKind
{
    /// <summary>The name by which the page links to it.</summary>
    public abstract string Name { get; }

    /// <summary>The heading.</summary>
    public abstract string Title { get; }

    /// <summary>Where it stands: smaller numbers first, equal ones by name.</summary>
    public abstract int Place { get; }

    /// <summary>Whether a page of this source has the section: one of a single run, unless the section says
    /// otherwise.</summary>
    public virtual bool IsOf(ReportSource source) => !source.IsComparison;

    /// <summary>The kind of data whose runs have the section.</summary>
    public virtual SettingTask Task => SettingTask.Any;

    /// <summary>What stands below the heading; where the run did not record it, a sentence that says so.</summary>
    public abstract IEnumerable<XElement> Content(ReportSource source);

    /// <summary>What stands above a result that is not all there; null where it is.</summary>
    protected static XElement? Incomplete(RecordedRun run) => run.IsComplete ? null : Html.Of(
        "p", Html.Class("banner"), Html.Of("strong", "This run is not complete. "),
        "What stands here is what was known when the page was written. The run continues with ",
        Html.Code($"{ShellWord.Program} resume {ShellWord.OfPath(ShownPath.Of(run.Files.Path))}"), ".");
}

/// <summary>What a page is made of.</summary>
/// <param name="Runs">The runs; a page about one run has that alone.</param>
internal sealed record ReportSource(IReadOnlyList<RecordedRun> Runs)
{
    /// <summary>The first run.</summary>
    public RecordedRun Run => Runs[0];

    /// <summary>Whether the page sets several runs beside each other.</summary>
    public bool IsComparison { get; init; }

    /// <summary>The run that the first is held against; null for none.</summary>
    public RecordedRun? Against { get; init; }

    /// <summary>Whether the runs are on image-text pairs.</summary>
    public bool IsOfPairs => Run.IsOfPairs;

    /// <summary>The training pairs that are nearest to synthetic ones; null where they are not known.</summary>
    public NeighbourFile? Neighbours { get; init; }

    /// <summary>Why they are not known.</summary>
    public string? WhyNoNeighbours { get; init; }

    /// <summary>Features of real and synthetic images; null where they are not known.</summary>
    public FeatureFile? Features { get; init; }

    /// <summary>Why they are not known.</summary>
    public string? WhyNoFeatures { get; init; }
}
