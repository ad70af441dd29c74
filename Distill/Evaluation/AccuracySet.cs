using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace InfMatch.Distill;

/// <summary>The accuracies of a row, by column; one that is null is not known (yet).</summary>
[JsonConverter(typeof(Converter))]
internal sealed record AccuracySet : IKeyedMembers
{
    private readonly ImmutableDictionary<string, Accuracy> _known = ImmutableDictionary<string, Accuracy>.Empty;

    /// <summary>Nothing is known.</summary>
    public AccuracySet()
    {
    }

    private AccuracySet(ImmutableDictionary<string, Accuracy> known) => _known = known;

    /// <inheritdoc/>
    public static IReadOnlyList<string> Keys => [.. ResultColumn.All.Select(column => column.Name)];

    /// <inheritdoc/>
    public static Type MemberType => typeof(Accuracy);

    /// <summary>That of S with its own labels.</summary>
    public Accuracy? Distilled
    {
        get => Of(ResultColumn.Of<DistilledColumn>());
        init => _known = With(ResultColumn.Of<DistilledColumn>(), value)._known;
    }

    /// <summary>That of random real images with hard labels.</summary>
    public Accuracy? RandomReal
    {
        get => Of(ResultColumn.Of<RandomRealColumn>());
        init => _known = With(ResultColumn.Of<RandomRealColumn>(), value)._known;
    }

    /// <summary>That of random real images that experts label.</summary>
    public Accuracy? RandomRealSoftLabels
    {
        get => Of(ResultColumn.Of<RandomRealSoftLabelsColumn>());
        init => _known = With(ResultColumn.Of<RandomRealSoftLabelsColumn>(), value)._known;
    }

    /// <summary>What S is compared with: random real images under soft labels, or under hard ones where those are not evaluated; null
    /// where neither is.</summary>
    [JsonIgnore]
    public Accuracy? Beside => RandomRealSoftLabels ?? RandomReal;

    /// <summary>That of the experts.</summary>
    public Accuracy? Whole
    {
        get => Of(ResultColumn.Of<WholeSetColumn>());
        init => _known = With(ResultColumn.Of<WholeSetColumn>(), value)._known;
    }

    /// <summary>Whether every column of a run is known.</summary>
    public bool IsComplete => ResultColumn.All.All(column => Of(column) is not null
        || (column.IsOptional && !column.IsTrained(ColumnCase.Largest)));

    /// <summary>That of a column.</summary>
    public Accuracy? Of(ResultColumn column) => _known.GetValueOrDefault(column.Name);

    /// <summary>The same with that of a column; null takes it away.</summary>
    public AccuracySet With(ResultColumn column, Accuracy? accuracy) =>
        new(accuracy is null ? _known.Remove(column.Name) : _known.SetItem(column.Name, accuracy));

    /// <summary>The same with what the networks of a column reached, also in the columns whose networks they are.</summary>
    public AccuracySet WithMeasured(ResultColumn column, Accuracy accuracy, ColumnCase of) =>
        column.Measured(of).Aggregate(this, (all, measured) => all.With(
            measured, measured == column ? accuracy : accuracy with { SameAs = column.Name }));

    /// <summary>Each that is known, with its column.</summary>
    public IEnumerable<(ResultColumn Column, Accuracy Accuracy)> All() =>
        ResultColumn.All.Where(column => Of(column) is not null).Select(column => (column, Of(column)!));

    /// <summary>As files have it: the key of each column; null where it is not known, and without those that are optional.</summary>
    private sealed class Converter : JsonConverter<AccuracySet>
    {
        public override AccuracySet Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
        {
            using JsonDocument json = JsonDocument.ParseValue(ref reader);
            var read = new AccuracySet();
            foreach (JsonProperty member in json.RootElement.EnumerateObject())
            {
                ResultColumn column = ResultColumn.All.FirstOrDefault(c => c.Name == member.Name)
                    ?? throw new JsonException($"{member.Name} is no column of a result.");
                read = read.With(column, member.Value.Deserialize<Accuracy>(options));
            }
            return read;
        }

        public override void Write(Utf8JsonWriter writer, AccuracySet value, JsonSerializerOptions options)
        {
            writer.WriteStartObject();
            foreach (ResultColumn column in ResultColumn.All.OrderBy(c => !c.IsOfSet))
            {
                Accuracy? accuracy = value.Of(column);
                if (accuracy is null && column.IsOptional)
                    continue;
                writer.WritePropertyName(column.Name);
                JsonSerializer.Serialize(writer, accuracy, options);
            }
            writer.WriteEndObject();
        }
    }
}
