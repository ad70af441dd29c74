using System.Collections;
using System.Reflection;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using InfMatch.Tensors;

namespace InfMatch.Distill;

/// <summary>
/// JSON that is read again, by strict rules: proper UTF-8, no key twice, no comments, nothing behind the end, and every value
/// of the kind that was written there. What breaks them is a <see cref="JsonException"/> whose message is one clause that
/// names the key, what it holds and what it should.
/// </summary>
internal static class JsonFile
{
    /// <summary>The largest file that is read, in bytes; those written are far below.</summary>
    public const int MostBytes = 256 << 20;

    private const int LongestShown = 80;

    private static readonly UTF8Encoding s_utf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    private static readonly JsonDocumentOptions s_strict = new() { AllowDuplicateProperties = false };

    /// <summary>The JSON in a file; a byte order mark before it is passed over.</summary>
    /// <exception cref="JsonException">It is no JSON by the strict rules.</exception>
    /// <exception cref="IOException">The file cannot be read.</exception>
    public static JsonDocument Open(string path)
    {
        var file = new FileInfo(path);
        if (file.Length > MostBytes)
            throw new JsonException($"it has {file.Length} bytes, expected at most {MostBytes}.");
        ReadOnlySpan<byte> bytes = File.ReadAllBytes(path);
        if (bytes.StartsWith(Encoding.UTF8.Preamble))
            bytes = bytes[Encoding.UTF8.Preamble.Length..];
        return Parse(Decode(bytes));
    }

    /// <summary>The JSON in a text.</summary>
    /// <exception cref="JsonException">It is no JSON by the strict rules.</exception>
    public static JsonDocument Parse(string text, int? maxDepth = null)
    {
        try
        {
            return JsonDocument.Parse(text, s_strict with { MaxDepth = maxDepth ?? s_strict.MaxDepth });
        }
        // A key that holds half a surrogate pair is looked for among the others, which fails in its own way.
        catch (Exception e) when (e is JsonException or InvalidOperationException or ArgumentException)
        {
            throw new JsonException($"it is no proper JSON: {e.Message}", e);
        }
    }

    /// <summary>A value of a file as the type that it was written from.</summary>
    /// <param name="json">The value.</param>
    /// <param name="besides">A key that it may have besides those of the type.</param>
    /// <exception cref="JsonException">A key is missing, unknown, or holds no such value.</exception>
    public static T Read<T>(JsonElement json, string? besides = null)
    {
        if (json.ValueKind == JsonValueKind.Object)
            RequireMembers(json, typeof(T), "", besides);
        else
            Require(json, typeof(T), isNullable: false, "");
        return json.Deserialize<T>(JsonText.Options)!;
    }

    /// <summary>Fails unless a value can become a type, with all its keys and no others, exactly.</summary>
    /// <exception cref="JsonException">It cannot.</exception>
    public static void Require(JsonElement json, Type type, bool isNullable, string place)
    {
        Type plain = Nullable.GetUnderlyingType(type) ?? type;
        isNullable |= plain != type;
        string orNull = isNullable ? " or null" : "";
        if (json.ValueKind == JsonValueKind.Null && isNullable)
            return;
        if (ExpectedOf(plain) is { } expected)
        {
            if (!Fits(json, plain))
                throw Wrong(place, json, $"{expected}{orNull}");
        }
        else if (ValueOfKeys(plain) is { } value)
        {
            foreach ((string name, JsonElement one) in Members(json, place))
                Require(one, value, isNullable: false, $"{place}.{name}");
        }
        else if (ItemOf(plain) is { } item)
        {
            if (json.ValueKind != JsonValueKind.Array)
                throw Wrong(place, json, $"a list{orNull}");
            int i = 0;
            foreach (JsonElement one in json.EnumerateArray())
                Require(one, item, isNullable: false, $"{place}[{i++}]");
        }
        else if (json.ValueKind == JsonValueKind.Object)
        {
            RequireMembers(json, plain, place);
        }
        else
        {
            throw Wrong(place, json, $"an object{orNull}");
        }
    }

    /// <summary>The members of an object with their names.</summary>
    /// <exception cref="JsonException">It is no object, or a name is no proper text.</exception>
    public static IReadOnlyList<(string Name, JsonElement Value)> Members(JsonElement json, string place)
    {
        if (json.ValueKind != JsonValueKind.Object)
            throw Wrong(place, json, "an object");
        return [.. json.EnumerateObject().Select(p => (Text(() => p.Name) ?? throw NoText(place), p.Value))];
    }

    /// <summary>A text; null where the value is none, or holds half a surrogate pair.</summary>
    public static string? TextOf(JsonElement json) =>
        json.ValueKind == JsonValueKind.String ? Text(json.GetString) : null;

    /// <summary>A place holds something else than it should.</summary>
    public static JsonException Wrong(string place, JsonElement got, string expected) =>
        new($"{Name(place)} is {Shown(got)}; expected {expected}.");

    /// <summary>A place is not there, or should not be.</summary>
    public static JsonException Missing(string place) => new($"{Name(place)} is missing.");

    /// <summary>A key that means nothing.</summary>
    public static JsonException Unknown(string place) => new($"{Name(place)} is not known.");

    private static void RequireMembers(JsonElement json, Type type, string place, string? besides = null)
    {
        if (type.IsAssignableTo(typeof(IKeyedMembers)))
        {
            RequireKeyed(json, type, place);
            return;
        }
        Dictionary<string, PropertyInfo> known = type.GetProperties(BindingFlags.Public | BindingFlags.Instance)
            .Where(p => p.CanWrite && p.GetCustomAttribute<JsonIgnoreAttribute>() is not { Condition: JsonIgnoreCondition.Always })
            .ToDictionary(
                p => p.GetCustomAttribute<JsonPropertyNameAttribute>()?.Name ?? JsonNamingPolicy.CamelCase.ConvertName(p.Name),
                StringComparer.Ordinal);
        var nullability = new NullabilityInfoContext();
        IReadOnlyList<(string Name, JsonElement Value)> members = Members(json, place);
        foreach ((string name, JsonElement value) in members)
        {
            if (name == besides)
                continue;
            string at = place.Length == 0 ? name : $"{place}.{name}";
            PropertyInfo property = known.GetValueOrDefault(name) ?? throw Unknown(at);
            bool mayBeNull = nullability.Create(property).WriteState == NullabilityState.Nullable;
            Require(value, property.PropertyType, mayBeNull, at);
        }
        HashSet<string?> ofConstructor = [.. type.GetConstructors().SelectMany(c => c.GetParameters()).Select(p => p.Name)];
        foreach ((string name, PropertyInfo property) in known)
        {
            bool isRequired = property.CustomAttributes.Any(a => a.AttributeType.Name == "RequiredMemberAttribute") || ofConstructor.Contains(property.Name);
            if (isRequired && !members.Any(m => m.Name == name))
                throw Missing(place.Length == 0 ? name : $"{place}.{name}");
        }
    }

    private static void RequireKeyed(JsonElement json, Type type, string place)
    {
        var keys = (IReadOnlyList<string>)type.GetProperty(nameof(IKeyedMembers.Keys))!.GetValue(null)!;
        var member = (Type)type.GetProperty(nameof(IKeyedMembers.MemberType))!.GetValue(null)!;
        foreach ((string name, JsonElement value) in Members(json, place))
        {
            string at = place.Length == 0 ? name : $"{place}.{name}";
            if (!keys.Contains(name, StringComparer.Ordinal))
                throw Unknown(at);
            Require(value, member, isNullable: true, at);
        }
    }

    private static string? ExpectedOf(Type type) =>
        type == typeof(string) ? "text"
        : type == typeof(bool) ? "true or false"
        : type == typeof(double) ? "a finite number"
        : type == typeof(int) || type == typeof(long) ? "a whole number"
        : type == typeof(ulong) ? "a whole number from 0"
        : null;

    private static bool Fits(JsonElement json, Type type) =>
        type == typeof(string) ? TextOf(json) is not null
        : type == typeof(bool) ? json.ValueKind is JsonValueKind.True or JsonValueKind.False
        : json.ValueKind == JsonValueKind.Number
            && (type == typeof(double) ? json.TryGetDouble(out double v) && double.IsFinite(v)
                : type == typeof(int) ? json.TryGetInt32(out _)
                : type == typeof(ulong) ? json.TryGetUInt64(out _)
                : json.TryGetInt64(out _));

    // What stands under each key, where any text may be one.
    private static Type? ValueOfKeys(Type type) =>
        type.IsGenericType && type.GetGenericTypeDefinition() == typeof(IReadOnlyDictionary<,>) ? type.GetGenericArguments()[1] : null;

    private static Type? ItemOf(Type type) =>
        type.IsArray ? type.GetElementType()
        : typeof(IEnumerable).IsAssignableFrom(type) && type.IsGenericType ? type.GetGenericArguments()[0]
        : null;

    private static string Name(string place) => place.Length == 0 ? "it" : PrintableText.Of(place, LongestShown);

    private static string Shown(JsonElement json) => PrintableText.Of(json.GetRawText().ReplaceLineEndings(" "), LongestShown);

    private static string? Text(Func<string?> read)
    {
        try
        {
            return read();
        }
        catch (InvalidOperationException) // half a surrogate pair, which JSON can spell
        {
            return null;
        }
    }

    private static JsonException NoText(string place) =>
        new($"{(place.Length == 0 ? "it" : place)} has a key that is no proper text (half a surrogate pair).");

    private static string Decode(ReadOnlySpan<byte> bytes)
    {
        try
        {
            return s_utf8.GetString(bytes);
        }
        catch (DecoderFallbackException e)
        {
            throw new JsonException($"it is no UTF-8: {e.Message}", e);
        }
    }
}
