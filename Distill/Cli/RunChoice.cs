using InfMatch.Nn;

namespace InfMatch.Distill;

/// <summary>Under which name a command runs, and how much of its work it does.</summary>
/// <param name="Name">The name of its run folder; null for one by time.</param>
/// <param name="Part">Its share of the jobs; null for all.</param>
/// <param name="Gather">The command that does what is missing and gathers.</param>
internal sealed record RunChoice(string? Name = null, Part? Part = null, string Gather = "")
{
    /// <summary>The option of <see cref="Name"/>.</summary>
    public const string NameOption = "--run";

    /// <summary>The option of <see cref="Part"/>.</summary>
    public const string PartOption = "--part";

    /// <summary>The option of the one row of an ablation that is run.</summary>
    public const string RowOption = "--row";

    /// <summary>The part that a text names.</summary>
    /// <exception cref="DistillException">It names none.</exception>
    public static Part PartOf(string text) => Nn.Part.Parse(text) ?? throw DistillException.BadValue(
        PartOption, text, "I/N with I from 0 to N - 1, such as 0/10 for the first of ten");
}
