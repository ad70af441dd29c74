using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace InfMatch.Distill;

/// <summary>f of the sets of a run, of which each stored image is f×f tiles: one number for all sets, or one for each in their
/// order. In JSON a number, or a list of them. Source: IDC (Kim et al., ICML 2022).</summary>
/// <param name="Numbers">One number, or one for each set.</param>
[JsonConverter(typeof(Json))]
internal sealed record TileFactors(ImmutableArray<int> Numbers)
{
    private const string Option = "--factor";
    private const int Most = 64;

    /// <summary>f of all sets where it is one number.</summary>
    public static implicit operator TileFactors(int all) => new([all]);

    /// <summary>f of the set of a place among --ipc.</summary>
    public int At(int set) => Numbers.Length == 1 ? Numbers[0] : Numbers[set];

    /// <summary>Numbers with spaces or commas between them; null where all are 1.</summary>
    /// <exception cref="DistillException">One is no whole number from 1 to 64, or there is none.</exception>
    public static TileFactors? Of(string text)
    {
        string[] parts = text.Split([' ', ','], StringSplitOptions.RemoveEmptyEntries);
        return Of([.. (parts.Length == 0 ? [text] : parts).Select(n => OptionText.Whole(Option, n, 1, Most))]);
    }

    /// <summary>The same of numbers from 1.</summary>
    public static TileFactors? Of(ImmutableArray<int> numbers) =>
        numbers.Distinct().Count() > 1 ? new TileFactors(numbers) : numbers[0] == 1 ? null : numbers[0];

    /// <summary>The factors of some of the sets for which these are.</summary>
    /// <param name="all">The images per class of all those sets.</param>
    /// <param name="some">Those of some of them.</param>
    public TileFactors? Of(ImmutableArray<int> all, ImmutableArray<int> some) =>
        Numbers.Length == 1 || Numbers.Length != all.Length ? this : Of([.. some.Select(ipc => Numbers[all.IndexOf(ipc)])]);

    /// <summary>Refuses more or fewer numbers than there are sets.</summary>
    /// <exception cref="DistillException">There are.</exception>
    public void RequireFor(ImmutableArray<int> ipc)
    {
        if (Numbers.Length != 1 && Numbers.Length != ipc.Length)
            throw DistillException.BadValue(Option, ToString(), $"one number, or one for each of --ipc ({string.Join(' ', ipc)})");
    }

    /// <inheritdoc/>
    public bool Equals(TileFactors? other) => other is not null && Numbers.SequenceEqual(other.Numbers);

    /// <inheritdoc/>
    public override int GetHashCode() => Numbers.Aggregate(0, HashCode.Combine);

    /// <summary>The numbers with spaces between them.</summary>
    public override string ToString() => string.Join(' ', Numbers.Select(n => n.ToString(CultureInfo.InvariantCulture)));

    private sealed class Json : JsonConverter<TileFactors>
    {
        public override TileFactors? Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
            reader.TokenType == JsonTokenType.Number
                ? Of([reader.GetInt32()])
                : Of([.. JsonSerializer.Deserialize<int[]>(ref reader, options) ?? throw new JsonException("null is no list.")]);

        public override void Write(Utf8JsonWriter writer, TileFactors value, JsonSerializerOptions options)
        {
            if (value.Numbers.Length == 1)
            {
                writer.WriteNumberValue(value.Numbers[0]);
                return;
            }
            writer.WriteStartArray();
            foreach (int number in value.Numbers)
                writer.WriteNumberValue(number);
            writer.WriteEndArray();
        }
    }
}
