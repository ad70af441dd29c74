using System.Collections.Immutable;
using InfMatch.Influence;
using InfMatch.Methods;
using InfMatch.Nn;
using InfMatch.Tensors;
using InfMatch.Tensors.IO;

namespace InfMatch.Tests.Methods;

/// <summary>How the loop of every method steps the parts and numbers of S: optimisers, ranges, clipping, state.</summary>
public sealed class PartTests
{
    private static readonly RandomKey s_key = RandomKey.FromSeed(12);

    private static readonly TinyPlan s_everything = new()
    {
        Iterations = 40,
        Estimator = "trajectory-matching",
        Images = new PartPlan(new AdamOptimiser(), 0.4, 0) { Range = new ValueRange([-0.9], [0.8]), WeightDecay = 0.01 },
        Labels = new PartPlan(new AdamWOptimiser(), 0.1, 0) { WeightDecay = 0.1 },
        Schedule = new PlateauSchedule(),
        MostGradient = 0.05,
        BatchSyn = 2,
        Augmentation = new Augmentation(AugmentationOps.Photographs),
    };

    [Fact]
    public void Adam_plateau_clamp_clip_and_minibatches_continue_from_a_saved_state_to_the_bit()
    {
        using TinyProblem problem = Problem(), again = Problem();
        using Distiller whole = s_everything.Begin(problem, s_key);
        var states = new List<byte[]> { State(whole) };
        for (int i = 0; i < 12; i++)
        {
            whole.Step();
            states.Add(State(whole));
        }
        float[] first = Read(states[1])["images"].AsFloat32().ToArray();
        Assert.Equal((-0.9f, 0.8f), (first.Min(), first.Max()));
        Assert.True(Read(states[^1])["schedule"].AsFloat64()[4] >= 1, "the plateau must have been reached");
        foreach (int at in (int[])[0, 1, 5, 11])
        {
            using Distiller resumed = s_everything.Begin(again, s_key);
            resumed.Step();
            resumed.Restore(Read(states[at]));
            Assert.Equal(states[at], State(resumed));
            for (int i = at; i < 12; i++)
                resumed.Step();
            Assert.Equal(states[^1], State(resumed));
        }
    }

    [Fact]
    public void Each_of_them_counts()
    {
        using TinyProblem problem = Problem();
        byte[] all = After(problem, s_everything);
        Assert.NotEqual(all, After(problem, s_everything with { Schedule = new ConstantSchedule() }));
        Assert.NotEqual(all, After(problem, s_everything with { MostGradient = 0 }));
        Assert.NotEqual(all, After(problem, s_everything with { BatchSyn = 0 }));
        Assert.NotEqual(all, After(problem, s_everything with { Images = s_everything.Images with { Range = null } }));
    }

    [Fact]
    public void A_methods_own_state_is_saved_and_begins_anew_for_each_set()
    {
        using TinyProblem problem = Problem();
        TinyPlan plan = s_everything with { MostGradient = 0, BatchSyn = 0 };
        using var session = new Drifting();
        byte[] state, end;
        using (Distiller whole = plan.Begin(session, problem.Start, s_key))
        {
            for (int i = 0; i < 4; i++)
                whole.Step();
            state = State(whole);
            for (int i = 0; i < 4; i++)
                whole.Step();
            end = State(whole);
        }
        Assert.NotEqual(Read(state)["method.centre"].AsFloat64()[0], Read(end)["method.centre"].AsFloat64()[0]);
        using (Distiller second = plan.Begin(session, problem.Start, s_key)) // the session of the first set goes on
        {
            for (int i = 0; i < 8; i++)
                second.Step();
            Assert.Equal(end, State(second));
        }
        using var other = new Drifting();
        using Distiller resumed = plan.Begin(other, problem.Start, s_key);
        resumed.Restore(Read(state));
        for (int i = 0; i < 4; i++)
            resumed.Step();
        Assert.Equal(end, State(resumed));
    }

    [Theory]
    [InlineData("sgd")]
    [InlineData("adam")]
    [InlineData("adamw")]
    public void A_part_with_rate_0_keeps_its_bits_and_its_state(string name)
    {
        using TinyProblem problem = Problem();
        SetOptimiser optimiser = Kinds.Find<SetOptimiser>(name)!;
        TinyPlan plan = s_everything with
        {
            Images = s_everything.Images with { Optimiser = optimiser },
            Labels = new PartPlan(optimiser, 0, 0.9) { WeightDecay = 0.3, Range = new ValueRange([0], [0]) },
        };
        using Distiller distiller = plan.Begin(problem, s_key);
        float[] labels = problem.Start.LabelLogits.ToArray<float>(), images = problem.Start.Images.ToArray<float>();
        for (int i = 0; i < 3; i++)
            distiller.Step();
        Assert.Equal(labels, distiller.Set.LabelLogits.ToArray<float>());
        Assert.NotEqual(images, distiller.Set.Images.ToArray<float>());
        ArraySet state = Read(State(distiller));
        foreach (string remembered in optimiser.State)
            Assert.All(state[$"label_logits.{remembered}"].AsFloat32().ToArray(), v => Assert.Equal(0, v));
    }

    // One step of plain SGD at rate 1 shows the gradient.
    [Theory]
    [InlineData(1.0, 1.0, 0.5)]
    [InlineData(1.0, 0.0, 0.5)]
    [InlineData(1.0, 1.0, 1e6)]
    public void A_gradient_is_scaled_down_to_the_norm_over_all_parts_that_are_learned(double images, double labels, double most)
    {
        using var problem = new TinyProblem(CheckpointSchedule.Every(2));
        double[] Moved(double limit)
        {
            TinyPlan plan = s_everything with
            {
                Images = new PartPlan(new SgdOptimiser(), images, 0), Labels = new PartPlan(new SgdOptimiser(), labels, 0),
                MostGradient = limit, Schedule = new ConstantSchedule(),
            };
            using Distiller distiller = plan.Begin(new Drifting(), problem.Start, s_key);
            distiller.Step();
            return
            [
                .. distiller.Set.Images.Minus(problem.Start.Images).ToArray<double>(),
                .. distiller.Set.LabelLogits.Minus(problem.Start.LabelLogits).ToArray<double>(),
            ];
        }
        double[] free = Moved(0), clipped = Moved(most);
        double norm = Math.Sqrt(free.Sum(v => v * v)), scale = Math.Min(1, most / norm);
        Assert.True(norm > 1);
        Assert.Equal(Math.Min(norm, most), Math.Sqrt(clipped.Sum(v => v * v)), 1e-10);
        Assert.All(free.Zip(clipped), p => Assert.Equal(scale * p.First, p.Second, 1e-12));
    }

    // One step of plain SGD at rate 1 shows the gradient.
    [Fact]
    public void A_spike_is_scaled_down_to_a_multiple_of_the_median_of_the_gradients_before_it()
    {
        using var problem = new TinyProblem(CheckpointSchedule.Every(2));
        (double Norm, double Most)[] course =
        [
            (1, 1), (2, 2), (1, 1), (2, 2), (1, 1), // of fewer than five nothing is told
            (3, 3), (1000, 6), (5.5, 5.5), (6.5, 6), (0, 0), (1, 1),
            // A new level holds once half of the gradients have it.
            (50, 6), (50, 6), (50, 9), (50, 9), (50, 16.5), (50, 16.5), (50, 19.5), (50, 19.5), (50, 50), (50, 50),
        ];
        TinyPlan plan = s_everything with
        {
            Images = new PartPlan(new SgdOptimiser(), 1, 0), Labels = new PartPlan(new SgdOptimiser(), 0, 0), MostGradient = 0,
            MostSpike = 3, Schedule = new ConstantSchedule(), Iterations = course.Length,
        };
        var session = new Scripted([.. course.Select(c => c.Norm)]);
        Distiller distiller = plan.Begin(session, problem.Start, s_key);
        foreach ((double norm, double most) in course)
        {
            if (distiller.Iteration == 8)
            {
                byte[] state = State(distiller);
                distiller.Dispose();
                distiller = plan.Begin(session, problem.Start, s_key);
                distiller.Restore(Read(state));
            }
            using Tensor before = distiller.Set.Images.Clone();
            Assert.Equal(norm, distiller.Step().GradientNorm!.Value, 1e-9);
            Tensor moved = distiller.Set.Images.Minus(before);
            Assert.Equal(most, Math.Sqrt(moved.Dot(moved)), 1e-9);
        }
        distiller.Dispose();
    }

    [Fact]
    public void Numbers_follow_sgd_on_their_logarithm_and_those_without_a_plan_are_the_methods_own()
    {
        using var problem = new TinyProblem(CheckpointSchedule.Every(2));
        SyntheticSet start = problem.Start with
        {
            Numbers = ImmutableSortedDictionary<string, double>.Empty.Add("rate", 0.25).Add("set", 1).Add("kept", 9),
        };
        TinyPlan plan = s_everything with { Schedule = new StepSchedule(), Iterations = 4, Images = s_everything.Images with { Range = null } };
        using Distiller distiller = plan.Begin(new Drifting(learnsRate: true), start, s_key);
        double rate = 0.25;
        for (int t = 0; t < 4; t++)
        {
            distiller.Step();
            rate *= Math.Exp(-(t < 2 ? 1 : 0.1) * Drifting.NumberRate * Drifting.GradientOf(rate) * rate);
            Assert.Equal(rate, distiller.Set.Numbers["rate"], 1e-14);
            Assert.Equal(t, distiller.Set.Numbers["set"]);
            Assert.Equal(9, distiller.Set.Numbers["kept"]);
        }
        ArraySet state = Read(State(distiller));
        using Distiller resumed = plan.Begin(new Drifting(learnsRate: true), start, s_key);
        resumed.Restore(state);
        Assert.Equal(distiller.Set.Numbers, resumed.Set.Numbers);
    }

    [Fact]
    public void A_step_that_fails_leaves_a_methods_state_as_it_was()
    {
        using TinyProblem problem = Problem();
        using Distiller distiller = (s_everything with { Images = s_everything.Images with { Bound = 0.3 } })
            .Begin(new Drifting(), problem.Start, s_key);
        byte[] before = State(distiller);
        Assert.Throws<NumericalException>(() => distiller.Step());
        Assert.Equal(before, State(distiller));
    }

    [Fact]
    public void Infinite_images_are_refused_and_not_brought_into_the_range()
    {
        using var problem = Problem();
        TinyPlan plan = s_everything with { Images = s_everything.Images with { Optimiser = new SgdOptimiser(), Rate = 1e300 } };
        using Distiller distiller = plan.Begin(problem, s_key);
        byte[] before = State(distiller);
        Assert.Throws<NumericalException>(() => distiller.Step());
        Assert.Equal(before, State(distiller));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_step_that_fails_leaves_the_methods_state_and_the_schedules_as_they_were(bool isRefusedByRate)
    {
        using var problem = Problem();
        PartPlan images = s_everything.Images with { Optimiser = new SgdOptimiser(), Rate = 0.1, Range = null };
        PartPlan failing = isRefusedByRate ? images with { Rate = 1e300 } : images with { Bound = 1e-9 };
        using var session = new Drifting();
        using Distiller distiller = (s_everything with { Images = images, MostGradient = 0 }).Begin(session, problem.Start, s_key);
        distiller.Step();
        distiller.Step();
        using var other = new Drifting();
        using Distiller refused = (s_everything with { Images = failing, MostGradient = 0 }).Begin(other, problem.Start, s_key);
        refused.Restore(Read(State(distiller)));
        Assert.Throws<NumericalException>(() => refused.Step());
        Assert.Equal(State(distiller), State(refused));
    }

    // A pull of everything towards a centre that walks by chance: the smallest method with a state.
    private sealed class Drifting(bool learnsRate = false) : MethodSession
    {
        public const double NumberRate = 0.5;

        private double _centre;

        public override IReadOnlyDictionary<string, NumberPlan> Numbers { get; } =
            learnsRate ? new Dictionary<string, NumberPlan>(StringComparer.Ordinal) { ["rate"] = new(NumberRate) } : [];

        public static double GradientOf(double rate) => 3 * rate - 1;

        public override void BeginSet() => _centre = 0;

        public override MethodStep Evaluate(SyntheticSet s, int iteration, RandomKey key)
        {
            double centre = _centre + key.UniformAt(0) - 0.3;
            Tensor Apart(Tensor x) => x.Minus(Tensor.Full(x.Backend, x.DType, x.Shape, centre));
            Tensor[] apart = [.. s.Tensors.Select(Apart)];
            ImmutableSortedDictionary<string, double> none = ImmutableSortedDictionary<string, double>.Empty;
            return new MethodStep(apart.Sum(a => a.Dot(a)) / 2, SyntheticGradient.Of(s, apart), [])
            {
                NumberGradients = s.Numbers.TryGetValue("rate", out double rate) ? none.Add("rate", GradientOf(rate)) : none,
                Numbers = s.Numbers.ContainsKey("set") ? none.Add("set", iteration) : none,
                Commit = _ => _centre = centre,
            };
        }

        public override IReadOnlyList<NamedArray> Save() => [NamedArray.From("centre", [1], (double[])[_centre])];

        public override void Restore(ArraySet state) => _centre = state["centre"].AsFloat64()[0];
    }

    [Fact]
    public void Clipping_passes_over_a_set_of_which_nothing_is_learned()
    {
        using var problem = new TinyProblem(CheckpointSchedule.Every(2));
        var still = new PartPlan(new SgdOptimiser(), 0, 0);
        using Distiller distiller = (s_everything with { Images = still, Labels = still, MostGradient = 0.1 })
            .Begin(new Drifting(), problem.Start, s_key);
        Assert.Equal(0, distiller.Step().GradientNorm);
        Assert.Equal(problem.Start.Images.ToArray<double>(), distiller.Set.Images.ToArray<double>());
    }

    // Gradients of given norms.
    private sealed class Scripted(double[] norms) : MethodSession
    {
        public override MethodStep Evaluate(SyntheticSet s, int iteration, RandomKey key)
        {
            double each = norms[iteration] / Math.Sqrt(s.Images.Count);
            return new MethodStep(
                1, SyntheticGradient.Of(s, [Tensor.Full(s.Backend, s.DType, s.Images.Shape, each), s.LabelLogits.ZerosLike()]), []);
        }
    }

    private static TinyProblem Problem() =>
        new(CheckpointSchedule.Every(6), mode: SecondDerivatives.FiniteDifference, backend: new CpuBackend(1), dtype: DType.Float32);

    private static byte[] After(TinyProblem problem, TinyPlan plan)
    {
        using Distiller distiller = plan.Begin(problem, s_key);
        for (int i = 0; i < 6; i++)
            distiller.Step();
        var stream = new MemoryStream();
        Safetensors.Write(stream, distiller.Save().Where(a => a.Name is "images" or "label_logits"));
        return stream.ToArray();
    }

    private static ArraySet Read(byte[] state) => Safetensors.Read(new MemoryStream(state));

    private static byte[] State(Distiller distiller)
    {
        var stream = new MemoryStream();
        Safetensors.Write(stream, distiller.Save());
        return stream.ToArray();
    }
}
