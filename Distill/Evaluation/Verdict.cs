using System.Text.Json;
using System.Text.Json.Serialization;
using InfMatch.Tensors;

namespace InfMatch.Distill;

/// <summary>What the numbers of a row of a result say, in one line, and what to try next.</summary>
/// <param name="Kind"><see cref="Better"/>, <see cref="Within"/>, <see cref="Worse"/> or <see cref="Diverged"/>.</param>
/// <param name="Text">One sentence with the numbers behind it.</param>
internal sealed record Verdict(string Kind, string Text)
{
    /// <summary>S is better than random real images, by more than chance explains.</summary>
    public const string Better = "better";

    /// <summary>The difference is one that chance explains.</summary>
    public const string Within = "within";

    /// <summary>S is worse than random real images, by more than chance explains.</summary>
    public const string Worse = "worse";

    /// <summary>The distillation destroyed S.</summary>
    public const string Diverged = "diverged";

    private const int LongestShown = 80;

    private static readonly string[] s_kinds = [Better, Within, Worse, Diverged];

    /// <summary>What to try next; null for nothing.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Next { get; init; }

    /// <summary>Of a distillation that a number ended which was not finite.</summary>
    public static Verdict OfFailure(string message) => new(Diverged, $"a number stopped being finite. {message}");

    /// <summary>Fails unless this is a verdict of a kind that there is.</summary>
    /// <exception cref="JsonException">It is not; the message names the key.</exception>
    public void RequireAcceptable(string place)
    {
        if (!s_kinds.Contains(Kind, StringComparer.Ordinal))
            throw new JsonException(
                $"{place}.kind is {PrintableText.Quoted(PrintableText.Of(Kind, LongestShown))}; expected one of {string.Join(", ", s_kinds)}.");
    }

    /// <summary>The kind as people read it.</summary>
    [JsonIgnore]
    public string Word => WordOf(Kind);

    /// <summary>A kind as people read it.</summary>
    public static string WordOf(string kind) => kind == Within ? "no clear difference" : kind;

    /// <summary>As people read it: "better: 3.1 ± 1.2 points over random real".</summary>
    public override string ToString() => $"{Word}: {Text}";
}
