using System.Text.Json.Nodes;
using InfMatch.Benchmarks;
using InfMatch.Tensors;

namespace InfMatch.Tests.Benchmarks;

public sealed class ConvNetBenchmarkTests
{
    private static readonly ConvNetSizes s_tiny =
        new(Width: 2, Depth: 1, Size: 8, Channels: 1, Classes: 2) { Batch = 30, Syn = 20, Sgemm = 8 };

    [Fact]
    public void Every_entry_has_a_time_and_all_memory_comes_back()
    {
        var cpu = new CpuBackend(1);
        Timings timings;
        using (var benchmark = new ConvNetBenchmark(cpu, s_tiny, new Clock(2, 0.001)))
            timings = benchmark.Run();
        JsonObject root = JsonNode.Parse(timings.ToJson())!.AsObject();
        foreach (string name in (string[])["forward", "train", "mixed", "mixed_fd", "iteration"])
        {
            Assert.True(root[name]!["ms"]!.GetValue<double>() > 0, name);
            Assert.True(root[name]!["images_per_s"]!.GetValue<double>() > 0, name);
        }
        Assert.True(root["sgemm_8_gflops"]!.GetValue<double>() >= 0);
        Assert.True(root["peak_mib"]!.GetValue<double>() > 0);
    }

    [Fact]
    public void A_comparison_says_how_many_times_faster_this_program_is()
    {
        var timings = new Timings("device", s_tiny);
        timings.Add("train", 3, 0.002);
        timings.AddProduct("sgemm_8", 1024, 1e-6);
        var other = new JsonObject
        {
            ["train"] = new JsonObject { ["ms"] = 5.0 },
            ["sgemm"] = new JsonObject { ["gflops"] = 0.512 },
        };
        string[] lines = timings.ToTable([("theirs", other), ("empty", [])]).Split('\n');
        Assert.Matches(@"^train +2\.000 +1500\.0 +5\.000 +2\.50 +- +-$", lines[2]);
        Assert.Matches(@"^sgemm_8_gflops +1\.0 +0\.5 +2\.00 +- +-$", lines[3]);
    }

    [Fact]
    public void Threads_are_compared_by_the_ratios_of_neighbours()
    {
        // The machine is three times as slow in the last round; the quotient of the medians would be 1.
        Scaling.Entry entry = Scaling.Summarise("sleep", 3, [1, 1, 9], [1, 0.5, 3]);
        Assert.Equal((1, 1, 2, 3), (entry.One, entry.Many, entry.Ratio.Median, entry.Rounds));
        Assert.Equal((1.5, 2.5), (entry.Ratio.Low, entry.Ratio.High));
        var cpu = new CpuBackend(1);
        Tensor number = Tensor.Full(cpu, DType.Float32, new Shape(1), 1);
        string order = "";
        Work Noted(char name) => new("noted", 1, () =>
        {
            Thread.Sleep(60); // long enough to be measured by one call
            order += name;
            return number;
        });
        Scaling.Entry noted = Scaling.Compare(Noted('a'), Noted('b'), 0);
        Assert.Equal("ababab" + "abbaab", order); // three to warm up, three rounds, the first to begin in turn
        Assert.Equal(3, noted.Rounds);
        string[] lines = Scaling.ToTable([entry with { One = 0.06, Many = 0.02, Ratio = new(2.9, 3, 3.1), Rounds = 7 }], 2)
            .Split('\n');
        Assert.Matches("^images/s +1 thread +2 threads +ratio +quartiles +rounds$", lines[0]);
        Assert.Matches(@"^sleep +50\.0 +150\.0 +3\.00 +2\.90–3\.10 +7$", lines[1]);
        Assert.Equal(2, Scaling.Quantile([4, 0, 2], 0.5));
        Assert.Equal(1, Scaling.Quantile([4, 0, 2], 0.25));
    }

    [Fact]
    public void Every_pass_is_compared()
    {
        JsonObject root = JsonNode.Parse(Scaling.ToJson(Scaling.Of(s_tiny, 2, 0.001), 2))!.AsObject();
        foreach (string name in (string[])["forward", "train", "mixed", "mixed_fd"])
            Assert.True(root[name]!["ratio"]!.GetValue<double>() > 0, name);
    }

    [Fact]
    public void The_median_counts_and_not_the_slowest_repeat()
    {
        var cpu = new CpuBackend(1);
        Tensor one = Tensor.Full(cpu, DType.Float32, new Shape(1), 1);
        int calls = 0;
        double seconds = new Clock(3, 0).Time(() =>
        {
            // Three warm-ups, one to reckon with, then three repeats of one call: the last is slow.
            if (++calls == 7)
                Thread.Sleep(200);
            return one;
        });
        Assert.Equal(7, calls);
        Assert.InRange(seconds, 0, 0.1);
    }

    [Fact]
    public void Ratios_are_those_of_the_medians_and_their_spread_that_of_the_rounds()
    {
        JsonObject Run(double train, double gflops) => new()
        {
            ["device"] = "any", ["width"] = 8, ["train"] = new JsonObject { ["ms"] = 1, ["images_per_s"] = train },
            ["sgemm_64_gflops"] = gflops, ["peak_mib"] = 3,
        };
        JsonObject theirs = Run(10, 5);
        theirs["mixed"] = new JsonObject { ["images_per_s"] = 3 };
        Ratios.Entry[] entries = [.. Ratios.Of([Run(30, 4), Run(20, 5), Run(10, 6)], [theirs, Run(20, 5), Run(5, 3)])];
        Assert.Equal(
            [new Ratios.Entry("train", 20, 10, 1, 3), new Ratios.Entry("sgemm_64_gflops", 5, 5, 0.8, 2)], entries);
        Assert.Equal((2, 1), (entries[0].Ratio, entries[1].Ratio));
        Assert.Contains("2.00", Ratios.ToTable(entries, 3), StringComparison.Ordinal);
        Assert.Equal(2, JsonNode.Parse(Ratios.ToJson(entries))!["train"]!["ratio"]!.GetValue<double>());
        Assert.Throws<ArgumentException>(() => Ratios.Of([Run(1, 1)], []));
    }
}
