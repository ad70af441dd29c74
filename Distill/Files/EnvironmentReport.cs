using System.Numerics;
using System.Reflection;
using System.Runtime.InteropServices;
using System.Text.Json;
using System.Text.Json.Nodes;
using InfMatch.Tensors;

namespace InfMatch.Distill;

/// <summary>What a run ran on: enough to tell why two runs differ.</summary>
internal static class EnvironmentReport
{
    private static readonly string s_informational =
        typeof(EnvironmentReport).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion;

    /// <summary>The version of the program.</summary>
    public static string Version { get; } = s_informational.Split('+')[0];

    /// <summary>The commit it was built from, shortened; "unknown" where it was not built in a repository.</summary>
    public static string Commit { get; } =
        s_informational.Split('+') is [_, { Length: >= 7 } revision] ? revision[..7] : "unknown";

    /// <summary>The widest vectors of the processor that the runtime uses; what decides the bits there.</summary>
    public static string Simd { get; } =
        (CpuBackend.BestVectorBits == 64 ? "none" : $"{CpuBackend.BestVectorBits} bit")
        + (CpuBackend.HasFusedMultiplyAdd ? "" : ", no fused multiply-add");

    /// <summary>environment.json.</summary>
    /// <param name="backend">What the run computes on.</param>
    /// <param name="threads">The setting; 0 for what suits.</param>
    /// <param name="ranks">How many processes distil together; a process alone does not tell it.</param>
    public static string Write(Backend backend, int threads, int ranks = 1)
    {
        JsonObject all = Describe(backend, threads);
        if (ranks > 1)
            all[RanksKey] = ranks;
        return SealedJson.Seal(all) + "\n";
    }

    private const string RanksKey = "ranks", ThreadsKey = "threads", CoresKey = "cores", DescriptionKey = "deviceDescription";

    // Each rank has a share of the processors, and a run may go on with other ranks.
    private static bool IsSameMachine(JsonObject began, JsonObject now)
    {
        bool isOfRanks = began.ContainsKey(RanksKey) || now.ContainsKey(RanksKey);
        foreach (string key in (string[])[SealedJson.Key, .. isOfRanks ? (string[])[RanksKey, ThreadsKey, CoresKey, DescriptionKey] : []])
        {
            began.Remove(key);
            now.Remove(key);
        }
        return JsonNode.DeepEquals(began, now);
    }

    private static JsonObject Describe(Backend backend, int threads) => new()
    {
        ["version"] = Version,
        ["commit"] = Commit,
        ["runtime"] = RuntimeInformation.FrameworkDescription,
        ["system"] = RuntimeInformation.OSDescription,
        ["architecture"] = RuntimeInformation.ProcessArchitecture.ToString(),
        ["processor"] = CpuBackend.ProcessorName,
        [CoresKey] = Environment.ProcessorCount,
        ["simd"] = Simd,
        ["vectorBytes"] = Vector<byte>.Count,
        [ThreadsKey] = threads == 0 ? Environment.ProcessorCount : threads,
        ["memoryBytes"] = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes,
        ["device"] = backend.Name,
        [DescriptionKey] = backend.Description,
    };

    /// <summary>What is to be said where a run goes on; null where it began on this machine with this build.</summary>
    public static string? Compare(string path, string now)
    {
        if (!File.Exists(path) || File.ReadAllText(path) == now)
            return null;
        try
        {
            if (IsSameMachine(SealedJson.Read(path).Root, JsonNode.Parse(now)!.AsObject()))
                return null;
            return "the machine or the build is not the one that began this run; bits may differ from here on.";
        }
        catch (JsonException e)
        {
            return $"{path} cannot tell whether the machine or the build is the one that began this run: {e.Message} Bits may " +
                "differ from here on.";
        }
    }
}
