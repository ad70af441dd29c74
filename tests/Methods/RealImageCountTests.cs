using InfMatch.Influence;
using InfMatch.Methods;
using InfMatch.Tensors;
using InfMatch.Tensors.IO;

namespace InfMatch.Tests.Methods;

/// <summary>The real images that influence matching passes through a network to estimate a_D: each set counts those of a window once.
/// </summary>
public sealed class RealImageCountTests
{
    private const string Counted = "method.counted_windows";

    private static readonly RandomKey s_key = RandomKey.FromSeed(77);

    // 12 images of D in 3 classes, in batches of 4, windows of two steps; exact products pass their images once.
    [Theory]
    [InlineData("first-order", ClassWise.Off, 0)] // the recording is a_D
    [InlineData("trajectory-matching", ClassWise.Off, 0)]
    [InlineData("paper", ClassWise.Off, 2 * 12)] // a gradient and H·G of it at the first of two checkpoints
    [InlineData("first-order", ClassWise.On, 3 * 2 * 4)]
    [InlineData("first-order", ClassWise.Both, 3 * 2 * 4)]
    [InlineData("paper", ClassWise.Both, 2 * 12 + 3 * (12 + 4 + 12 + 4))] // G_D, G_c, H_D·G_c and H_c·G_D of each class
    [InlineData("unrolled", ClassWise.Off, 2 * 4 + 4)] // of each step's batch a gradient, and H·δ at the second
    public void The_first_update_on_a_window_counts_the_images_of_its_a_D_and_later_ones_count_none(
        string estimator, ClassWise classWise, long real)
    {
        using TinyProblem problem = Problem();
        TinyPlan plan = Plan(estimator, classWise);
        using MethodSession session = plan.Session(problem, s_key);
        using Distiller first = plan.Begin(session, problem.Start, s_key);
        long update = Run(first, plan.Iterations, real).Update;
        // a_D is kept for another set, which counts it all the same.
        using Distiller second = plan.Begin(session, problem.Start, s_key.Split("another"));
        (long again, int windows) = Run(second, plan.Iterations, real);
        Assert.Equal(update, again);
        Assert.Equal(plan.Iterations * update + windows * real, second.Images);
        Assert.Equal(real > 0, second.Save().Any(array => array.Name == Counted)); // states of others are as they were
    }

    [Theory]
    [InlineData("paper", ClassWise.Off)]
    [InlineData("paper+first", ClassWise.On)]
    [InlineData("unrolled", ClassWise.Off)]
    [InlineData("first-order", ClassWise.Both)]
    public void A_budget_of_images_ends_a_continued_set_where_it_ends_a_whole_one(string estimator, ClassWise classWise)
    {
        using TinyProblem problem = Problem(), again = Problem();
        TinyPlan plan = Plan(estimator, classWise) with { Schedule = new CosineSchedule() };
        long all;
        using (Distiller measured = plan.Begin(problem, s_key))
        {
            for (int i = 0; i < plan.Iterations; i++)
                measured.Step();
            all = measured.Images!.Value;
        }
        plan = plan with { Budget = new DistillationBudget(BudgetUnit.Images, all - 1), Iterations = 1000 };
        using Distiller whole = plan.Begin(problem, s_key);
        var states = new List<byte[]>();
        while (!whole.IsDone)
        {
            states.Add(State(whole));
            whole.Step();
        }
        Assert.Equal(Plan(estimator, classWise).Iterations, whole.Iteration);
        for (int at = 1; at < states.Count; at += 4)
        {
            using MethodSession session = plan.Session(again, s_key);
            using (Distiller other = plan.Begin(session, again.Start, s_key.Split("another")))
            {
                for (int i = 0; i < at; i++)
                    other.Step(); // it leaves vectors behind, and windows that it has counted
            }
            using Distiller resumed = plan.Begin(session, again.Start, s_key);
            resumed.Restore(Safetensors.Read(new MemoryStream(states[at])));
            Assert.Equal(states[at], State(resumed));
            while (!resumed.IsDone)
                resumed.Step();
            Assert.Equal((whole.Iteration, whole.Images), (resumed.Iteration, resumed.Images));
            Assert.Equal(State(whole), State(resumed));
        }
    }

    [Fact]
    public void The_loss_in_fixed_places_counts_nothing_and_leaves_the_windows_to_the_updates()
    {
        using TinyProblem problem = Problem();
        TinyPlan plan = Plan("paper", ClassWise.On);
        using Distiller plain = plan.Begin(problem, s_key), looked = plan.Begin(problem, s_key);
        for (int i = 0; i < plan.Iterations; i++)
        {
            looked.Probe();
            looked.Step();
            plain.Step();
        }
        Assert.Equal(plain.Images, looked.Images);
        Assert.Equal(State(plain), State(looked));
    }

    [Fact]
    public void A_state_of_an_earlier_version_has_counted_nothing_and_one_of_other_windows_is_refused()
    {
        using TinyProblem problem = Problem();
        TinyPlan plan = Plan("paper", ClassWise.Off);
        using Distiller distiller = plan.Begin(problem, s_key), older = plan.Begin(problem, s_key);
        distiller.Step();
        NamedArray[] state = [.. distiller.Save()];
        older.Restore(Read([.. state.Where(array => array.Name != Counted)]));
        Assert.DoesNotContain(older.Save(), array => array.Name == Counted);
        foreach (NamedArray wrong in (NamedArray[])
            [NamedArray.From(Counted, [1, 2], (int[])[0, 99]), NamedArray.From(Counted, [1, 2], (int[])[-1, 0]), NamedArray.From(Counted, [2], (int[])[0, 0])])
        {
            Assert.Contains(
                "counted_windows",
                Assert.Throws<ShapeException>(() => older.Restore(Read([.. state.Where(a => a.Name != Counted), wrong]))).Message,
                StringComparison.Ordinal);
        }
    }

    // Images of an update that finds its a_D counted, and the number of windows; each first one has those of a_D besides.
    private static (long Update, int Windows) Run(Distiller distiller, int updates, long real)
    {
        var windows = new HashSet<Window>();
        var costs = new List<long>();
        for (int i = 0; i < updates; i++)
        {
            long before = distiller.Images!.Value;
            bool isFirst = windows.Add(TinyPlan.WindowOf(distiller.Step()));
            costs.Add(distiller.Images!.Value - before - (isFirst ? real : 0));
        }
        Assert.InRange(windows.Count, 2, updates - 2);
        return (Assert.Single(costs.Distinct()), windows.Count);
    }

    private static TinyPlan Plan(string estimator, ClassWise classWise) =>
        new() { Estimator = estimator, ClassWise = classWise, Iterations = 14 };

    private static TinyProblem Problem() => new(
        CheckpointSchedule.Every(6), mode: SecondDerivatives.Exact, backend: new CpuBackend(1));

    private static byte[] State(Distiller distiller)
    {
        var stream = new MemoryStream();
        Safetensors.Write(stream, distiller.Save());
        return stream.ToArray();
    }

    private static ArraySet Read(IReadOnlyList<NamedArray> arrays)
    {
        var stream = new MemoryStream();
        Safetensors.Write(stream, arrays);
        stream.Position = 0;
        return Safetensors.Read(stream);
    }
}
