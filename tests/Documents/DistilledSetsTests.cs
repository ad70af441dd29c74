using InfMatch.Distill;
using InfMatch.Tests.Architecture;

namespace InfMatch.Tests.Documents;

/// <summary>The distilled sets that the repository holds, and their cards.</summary>
public sealed class DistilledSetsTests
{
    private const int MostBytes = 2 << 20;

    private static readonly string s_folder = Path.Combine(Repository.Root, "sets");

    private static IEnumerable<string> Names => Directory.GetFiles(s_folder, "*.safetensors").Select(f => Path.GetFileName(f)).Order(StringComparer.Ordinal);

    public static TheoryData<string> Sets() => [.. Names];

    [Theory, MemberData(nameof(Sets))]
    public void A_set_is_sound_and_its_card_says_what_it_claims(string name)
    {
        string file = Path.Combine(s_folder, name), card = File.ReadAllText(Path.ChangeExtension(file, ".md"));
        SyntheticArtifact artifact = SyntheticArtifact.Read(file);
        Assert.NotNull(artifact.Claim);
        Assert.InRange(new FileInfo(file).Length, 1, MostBytes);
        foreach (string key in (string[])["claimed_accuracy", "claimed_n", "set_sha256", "network", "protocol_name", "factor"])
            Assert.Contains(artifact.Metadata[key], card, StringComparison.Ordinal);
        Assert.Contains($"./infmatch verify sets/{name}", card, StringComparison.Ordinal);
    }

    [Fact]
    public void Every_set_is_in_the_list_with_its_accuracy()
    {
        string list = File.ReadAllText(Path.Combine(s_folder, "README.md"));
        Assert.NotEmpty(Names);
        foreach (string name in Names)
        {
            SyntheticArtifact artifact = SyntheticArtifact.Read(Path.Combine(s_folder, name));
            string row = Assert.Single(list.Split('\n'), line => line.Contains($"`{name}`", StringComparison.Ordinal));
            Assert.Contains($"| {artifact.Metadata["claimed_accuracy"]} |", row, StringComparison.Ordinal);
        }
    }
}
