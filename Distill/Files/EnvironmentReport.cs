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
    public static string Write(Backend backend, int threads) => SealedJson.Seal(new JsonObject
    {
        ["version"] = Version,
        ["commit"] = Commit,
        ["runtime"] = RuntimeInformation.FrameworkDescription,
        ["system"] = RuntimeInformation.OSDescription,
        ["architecture"] = RuntimeInformation.ProcessArchitecture.ToString(),
        ["processor"] = CpuBackend.ProcessorName,
        ["cores"] = Environment.ProcessorCount,
        ["simd"] = Simd,
        ["vectorBytes"] = Vector<byte>.Count,
        ["threads"] = threads == 0 ? Environment.ProcessorCount : threads,
        ["memoryBytes"] = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes,
        ["device"] = backend.Name,
        ["deviceDescription"] = backend.Description,
    }) + "\n";

    /// <summary>What is to be said where a run goes on; null where it began on this machine with this build.</summary>
    public static string? Compare(string path, string now)
    {
        if (!File.Exists(path) || File.ReadAllText(path) == now)
            return null;
        try
        {
            SealedJson.Read(path);
            return "the machine or the build is not the one that began this run; bits may differ from here on.";
        }
        catch (JsonException e)
        {
            return $"{path} cannot tell whether the machine or the build is the one that began this run: {e.Message} Bits may " +
                "differ from here on.";
        }
    }
}
