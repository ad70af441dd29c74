using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace InfMatch.Distill;

/// <summary>
/// JSON files that are read again: the last entry of the object is the SHA-256 of all others, so that damage and edits are
/// told from data. Blanks and line ends do not count.
/// </summary>
internal static class SealedJson
{
    /// <summary>The entry with the hash.</summary>
    public const string Key = "sha256";

    /// <summary>The text of an object with its hash behind its entries, in lines or on one.</summary>
    public static string Seal(JsonObject root, bool isIndented = true)
    {
        root.Remove(Key);
        // Hashed as a reader finds it: numbers keep the spelling that they have in the text.
        using JsonDocument written = JsonFile.Parse(root.ToJsonString(JsonText.Options));
        root[Key] = Hash(JsonObject.Create(written.RootElement)!);
        return isIndented ? root.ToJsonString(JsonText.Options) : root.ToJsonString();
    }

    /// <summary>Reads an object of any entries; it comes without its hash.</summary>
    /// <exception cref="JsonException">It is no JSON object, or its content has another hash.</exception>
    /// <exception cref="IOException">The file is missing or cannot be read.</exception>
    public static (JsonObject Root, bool HasHash) Read(string path)
    {
        using JsonDocument document = JsonFile.Open(path);
        bool hasHash = Require(document.RootElement);
        JsonObject root = JsonObject.Create(document.RootElement.Clone())!;
        root.Remove(Key);
        return (root, hasHash);
    }

    /// <summary>Reads a file by strict rules (<see cref="JsonFile"/>) as the type that it was written from. Whether it states a
    /// hash is told: files of earlier versions do not.</summary>
    /// <exception cref="JsonException">It is no such JSON, or its content has another hash.</exception>
    /// <exception cref="IOException">The file is missing or cannot be read.</exception>
    public static (T Value, bool HasHash) Read<T>(string path)
    {
        using JsonDocument document = JsonFile.Open(path);
        T value = JsonFile.Read<T>(document.RootElement, besides: Key);
        return (value, Require(document.RootElement));
    }

    private static bool Require(JsonElement root) => IsRight(root) is { } isRight
        ? isRight ? true : throw new JsonException("its content does not have the hash that it states, so it was damaged or edited.")
        : false;

    /// <summary>Whether the content of a file has the hash that it states; null where it states none.</summary>
    /// <exception cref="JsonException">It is no object of proper texts.</exception>
    public static bool? IsRight(JsonElement json)
    {
        JsonObject root = json.ValueKind == JsonValueKind.Object
            ? JsonObject.Create(json.Clone())!
            : throw new JsonException("it is no JSON object.");
        if (!root.ContainsKey(Key))
        {
            // Under another name: the name was damaged.
            return root.Any(entry => entry.Value is JsonValue other && other.TryGetValue(out string? text)
                && ArtifactHash.IsHash(text)) ? false : null;
        }
        JsonNode? stated = root[Key];
        root.Remove(Key);
        return stated is JsonValue value && value.TryGetValue(out string? hash) && hash == Hash(root);
    }

    private static string Hash(JsonObject withoutHash)
    {
        try
        {
            return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(withoutHash.ToJsonString())));
        }
        catch (InvalidOperationException e) // half a surrogate pair in a text
        {
            throw new JsonException($"it is no JSON: {e.Message}", e);
        }
    }
}
