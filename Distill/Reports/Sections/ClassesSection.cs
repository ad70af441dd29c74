using System.Xml.Linq;

namespace InfMatch.Distill;

/// <summary>Which classes are told apart.</summary>
internal sealed class ClassesSection : ReportSection
{
    /// <inheritdoc/>
    public override string Name => "classes";

    /// <inheritdoc/>
    public override string Title => "Classes";

    /// <inheritdoc/>
    public override int Place => 5;

    /// <inheritdoc/>
    public override IEnumerable<XElement> Content(ReportSource source) =>
        [Html.Missing("This run did not record which classes its networks confuse; runs of this version do.")];
}
