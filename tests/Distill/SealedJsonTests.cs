using System.Text.Json;
using System.Text.Json.Nodes;
using InfMatch.Distill;
using InfMatch.Tests.IO;

namespace InfMatch.Tests.Distill;

public sealed class SealedJsonTests
{
    [Fact]
    public void Blanks_and_line_ends_do_not_count_and_everything_else_does()
    {
        using var folder = new TemporaryFolder();
        string path = folder.At("x.json");
        string text = SealedJson.Seal(new JsonObject { ["name"] = "é \"x\"", ["numbers"] = new JsonArray(1, 0.1, 1e-300, null) });
        File.WriteAllText(path, text);
        (JsonObject root, bool hasHash) = SealedJson.Read(path);
        Assert.True(hasHash);
        Assert.Equal("name numbers", string.Join(' ', root.Select(p => p.Key)));
        File.WriteAllText(path, text.Replace("\n", "\r\n  ", StringComparison.Ordinal));
        Assert.True(SealedJson.Read(path).HasHash);
        foreach ((string from, string to) in (IEnumerable<(string, string)>)
            [("0.1", "0.10"), ("null", "0"), ("name", "nama"), ("numbers", "sha255"), ("x", "y"), ("1,", "1, 2,")])
        {
            Assert.Contains(from, text);
            File.WriteAllText(path, text.Replace(from, to, StringComparison.Ordinal));
            Assert.Throws<JsonException>(() => SealedJson.Read(path));
        }
        RemoveHash(path);
    }

    [Theory]
    [InlineData("")]
    [InlineData("null")]
    [InlineData("[]")]
    [InlineData("{\"a\":1,\"a\":1}")]
    [InlineData("{\"a\":{\"b\":1,\"b\":2},\"sha256\":\"00\"}")]
    [InlineData("{\"a\":\"\\ud800\",\"sha256\":\"00\"}")]
    [InlineData("{\"sha256\":null}")]
    [InlineData("{\"sha256\":7}")]
    public void What_is_no_object_or_has_no_right_hash_is_refused(string text)
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.At("x.json"), text);
        Assert.ThrowsAny<JsonException>(() => SealedJson.Read(folder.At("x.json")));
    }

    /// <summary>Makes a file one of an earlier version, which stated no hash.</summary>
    internal static void RemoveHash(string path)
    {
        JsonObject root = JsonNode.Parse(File.ReadAllText(path))!.AsObject();
        Assert.True(root.Remove(SealedJson.Key));
        root.Remove("labelNetworks"); // a hash too, and younger than that of the file
        File.WriteAllText(path, root.ToJsonString(JsonText.Options));
    }
}
