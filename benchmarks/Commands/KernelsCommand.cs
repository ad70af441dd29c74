using System.CommandLine;
using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Diagnosers;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Running;
using BenchmarkDotNet.Toolchains.InProcess.Emit;
using Job = BenchmarkDotNet.Jobs.Job;

namespace InfMatch.Benchmarks;

/// <summary>'kernels': single kernels of the cpu.</summary>
internal static class KernelsCommand
{
    /// <summary>The command.</summary>
    public static Command Make()
    {
        var filter = new Option<string>("--filter")
        {
            Description = "Which, such as *Convolution* [*]", DefaultValueFactory = _ => "*",
        };
        var quick = new Option<bool>("--quick") { Description = "Three short measurements of each: rough, for a look." };
        var command = new Command(
            "kernels", "Times single kernels of the cpu by BenchmarkDotNet, with their allocation.") { filter, quick };
        command.SetAction(result => Run(result.GetValue(filter)!, result.GetValue(quick)));
        return command;
    }

    private static int Run(string filter, bool isQuick)
    {
        // In this process: the kernels' code is compiled as it is in the program, and no project is built for it.
        Job job = (isQuick ? Job.ShortRun : Job.Default).WithToolchain(InProcessEmitToolchain.Instance);
        BenchmarkSwitcher.FromAssembly(typeof(LayerBenchmarks).Assembly).Run(
            ["--filter", filter],
            ManualConfig.Create(DefaultConfig.Instance).AddJob(job).AddDiagnoser(MemoryDiagnoser.Default)
                .WithArtifactsPath(Path.Combine(Path.GetTempPath(), "infmatch-benchmarks")));
        return 0;
    }
}
