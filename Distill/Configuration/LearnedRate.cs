using System.Text.Json;
using System.Text.Json.Serialization;
using InfMatch.Methods;

namespace InfMatch.Distill;

/// <summary>The rate that was learned with a set, in the place of a number.</summary>
internal static class LearnedRate
{
    /// <summary>The word for it, on the command line and in files.</summary>
    public const string Word = "learned";

    /// <summary>What stands for it among the settings: no number that a rate can be.</summary>
    public const double Value = double.NaN;

    /// <summary>The rate by which networks train on a set under some settings; null for that of the protocol's plan.</summary>
    /// <exception cref="DistillException">The learned one is asked for, and the set has none.</exception>
    public static double? Of(RunSettings settings, IReadOnlyDictionary<string, double> numbers, string set) =>
        !settings.RateIsLearned ? null
        : numbers.TryGetValue(SyntheticSet.RateNumber, out double rate) ? rate
        : throw DistillException.BadValue("--eval-rate", Word, $"a number: no rate was learned with {set}");
}

/// <summary>A rate in JSON: a number, or the word.</summary>
internal sealed class LearnedRateConverter : JsonConverter<double>
{
    /// <inheritdoc/>
    public override double Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        reader.TokenType == JsonTokenType.String && reader.ValueTextEquals(LearnedRate.Word) ? LearnedRate.Value : reader.GetDouble();

    /// <inheritdoc/>
    public override void Write(Utf8JsonWriter writer, double value, JsonSerializerOptions options)
    {
        if (double.IsNaN(value))
            writer.WriteStringValue(LearnedRate.Word);
        else
            writer.WriteNumberValue(value);
    }
}
