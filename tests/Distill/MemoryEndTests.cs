using InfMatch.Datasets;
using InfMatch.Distill;
using InfMatch.Tensors;

namespace InfMatch.Tests.Distill;

/// <summary>A run whose memory ends somewhere: what there is is saved, and going on gives the bits of a run whose memory
/// was enough.</summary>
public sealed class MemoryEndTests : IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("infmatch-").FullName;

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Fact]
    public void A_run_goes_on_with_the_same_bits_after_its_memory_ended()
    {
        var cpu = new CpuBackend(1);
        string[] expected = Hashes(Run(cpu, "undisturbed"));
        long requests = cpu.MemoryRequests;
        Assert.Equal(2, expected.Length);

        for (int tenth = 1; tenth < 10; tenth++)
        {
            cpu.RefusedMemoryRequest = cpu.MemoryRequests + requests * tenth / 10;
            string name = $"{tenth}";
            Assert.Throws<DeviceMemoryException>(() => Run(cpu, name));
            cpu.RefusedMemoryRequest = 0;
            Assert.False(Summary.Read(Path.Combine(_root, name, "summary.json")).Complete);
            Summary whole = Run(cpu, name);
            Assert.True(whole.Complete);
            Assert.Equal(expected, Hashes(whole));
        }
    }

    private Summary Run(Backend backend, string name)
    {
        string[] args = CommandRun.SmallRun();
        ResolvedSettings resolved = Settings.Resolve("standard", setting => Given(args, setting.Name), _ => null);
        string path = Path.Combine(_root, name);
        using RunFolder folder = Directory.Exists(path) ? RunFolder.Open(path) : RunFolder.Create(_root, name, "{}");
        using var progress = new PlainProgress(_ => { }, TimeProvider.System, PlainProgress.DefaultInterval);
        return new DistillationRun(
            new RunInputs(folder, resolved.Settings, CommandRun.TinyData(), backend, progress, CancellationToken.None)).Execute();
    }

    // The values behind an option: the words up to the next option.
    private static string? Given(string[] args, string option)
    {
        int at = Array.IndexOf(args, option);
        return at < 0
            ? null
            : string.Join(' ', args.Skip(at + 1).TakeWhile(a => !a.StartsWith("--", StringComparison.Ordinal)));
    }

    private static string[] Hashes(Summary summary) => [.. summary.Results.Select(r => r.SetHash!)];
}
