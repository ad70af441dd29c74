using System.Text;
using System.Text.Json;
using InfMatch.Methods;
using InfMatch.Tensors;

namespace InfMatch.Distill;

/// <summary>What a rank tells the others of itself when they meet.</summary>
/// <param name="Host">The name of its machine.</param>
/// <param name="Processors">The processors that it may use.</param>
/// <param name="Alike">What must be alike in all ranks, each with its name.</param>
internal sealed record RankFacts(string Host, string Processors, string[][] Alike)
{
    private const string StatusFile = "/proc/self/status", AllowedKey = "Cpus_allowed_list:";

    /// <summary>Those of this process.</summary>
    public static RankFacts Here(string[] args) => new(
        Environment.MachineName, ProcessorsOf(File.Exists(StatusFile) ? File.ReadLines(StatusFile) : []),
        [
            ["version", $"{EnvironmentReport.Version} {EnvironmentReport.Commit}"],
            ["build", string.Join(' ', new[] { typeof(RankFacts), typeof(DistillationMethod), typeof(Tensor) }.Select(
                type => type.Module.ModuleVersionId.ToString("N")[..8]))],
            ["vector width", EnvironmentReport.Simd],
            ["command line", string.Join(' ', args.Select(ShellWord.Of))],
        ]);

    /// <summary>The list of processors in the lines of Linux's status of a process; empty elsewhere.</summary>
    public static string ProcessorsOf(IEnumerable<string> lines) =>
        lines.FirstOrDefault(line => line.StartsWith(AllowedKey, StringComparison.Ordinal))?[AllowedKey.Length..].Trim() ?? "";

    /// <summary>As bytes.</summary>
    public byte[] Encode() => JsonSerializer.SerializeToUtf8Bytes(this);

    /// <summary>From bytes.</summary>
    public static RankFacts Decode(byte[] bytes) =>
        JsonSerializer.Deserialize<RankFacts>(Encoding.UTF8.GetString(bytes)) ?? throw new JsonException("A rank said nothing of itself.");

    /// <summary>In what another rank is not like this one, with its value and this one's; null where it is.</summary>
    public (string Name, string Got, string Expected)? DifferenceTo(RankFacts other)
    {
        for (int i = 0; i < Alike.Length; i++)
        {
            if (Alike[i][1] != other.Alike[i][1])
                return (Alike[i][0], other.Alike[i][1], Alike[i][1]);
        }
        return null;
    }
}
