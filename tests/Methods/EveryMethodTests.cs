using System.Globalization;
using InfMatch.Influence;
using InfMatch.Methods;
using InfMatch.Nn;
using InfMatch.Tensors;
using InfMatch.Tensors.IO;

namespace InfMatch.Tests.Methods;

/// <summary>What every method promises, by enumeration: a new one is covered as soon as there is it.</summary>
public sealed class EveryMethodTests
{
    private const int Each = 2, Updates = 6;

    private static readonly RandomKey s_key = RandomKey.FromSeed(71);

    // Methods of pairs alone are those of EveryPairMethodTests.
    public static TheoryData<string> Methods() =>
        [.. Kinds.Of<DistillationMethod>().Where(method => !method.Needs.HasFlag(MethodNeeds.Pairs)).Select(method => method.Name)];

    [Theory, MemberData(nameof(Methods))]
    public void It_says_what_it_is_and_its_metrics_have_names(string name)
    {
        DistillationMethod method = Kinds.Find<DistillationMethod>(name)!;
        Assert.NotEqual("", method.Help, StringComparer.Ordinal);
        Assert.Matches("^[a-z][a-z0-9]*(-[a-z0-9]+)*$", method.Name);
        Assert.All(method.Metrics, metric => Assert.Matches("^[a-z][a-z0-9]*(_[a-z0-9]+)*$", metric));
        Assert.Equal(method.Settings.Select(s => s.Name).Distinct(StringComparer.Ordinal), method.Settings.Select(s => s.Name), StringComparer.Ordinal);
        Assert.All(method.Settings, s =>
        {
            Assert.Matches("^[A-Z][A-Za-z0-9]*$", s.Name);
            Assert.Equal(s.Standard, s.Canonical(s.Standard));
            Assert.False(s.Help.Length == 0);
        });
        method.Check(MethodValues.Standard, new ExpertPlan(4, 0));
    }

    [Theory, MemberData(nameof(Methods))]
    public void Its_loss_and_gradient_are_finite_in_both_precisions_and_with_tiles(string name)
    {
        foreach (DType dtype in (DType[])[DType.Float64, DType.Float32])
        foreach (int factor in (int[])[1, 2])
        {
            using Try at = new(name, dtype, factor: factor);
            double longest = 0;
            for (int i = 0; i < Updates; i++)
            {
                using var scope = TensorScope.Begin();
                MethodStep step = at.Session.Evaluate(at.Start, i, s_key.Split((ulong)i));
                Assert.True(double.IsFinite(step.Loss), $"{dtype}, factor {factor}: the loss is {step.Loss}");
                Assert.NotNull(step.Gradient);
                Assert.Equal(at.Start.Parts.Select(p => p.Name), step.Gradient.Parts.Select(p => p.Name), StringComparer.Ordinal);
                Assert.Equal(at.Start.Tensors.Select(t => (t.Shape, t.DType)), step.Gradient.Parts.Select(p => (p.Value.Shape, p.Value.DType)));
                double[][] values = [.. step.Gradient.Parts.Select(p => p.Value.ToArray<double>())];
                Assert.All(values.SelectMany(v => v), v => Assert.True(double.IsFinite(v)));
                longest = Math.Max(longest, values[0].Max(Math.Abs));
                Assert.NotEqual("", step.Place, StringComparer.Ordinal);
                step.Commit?.Invoke(scope);
            }
            Assert.True(longest > 0, $"{dtype}, factor {factor}: the images have no gradient");
        }
    }

    [Theory, MemberData(nameof(Methods))]
    public void An_evaluation_changes_neither_the_set_nor_the_state_and_gives_the_same_bits_again(string name)
    {
        using Try at = new(name);
        for (int i = 0; i < 3; i++)
            at.Distiller.Step();
        SyntheticSet s = at.Distiller.Set;
        byte[] before = at.State(), first = Evaluated(at, s);
        Assert.Equal(before, at.State());
        Assert.Equal(first, Evaluated(at, s));
        double probe = at.Distiller.Probe();
        Assert.True(double.IsFinite(probe), $"the loss in fixed places is {probe}");
        Assert.Equal(probe, at.Distiller.Probe());
        Assert.Equal(before, at.State());
        Assert.Equal(first, Evaluated(at, s));
    }

    [Theory, MemberData(nameof(Methods))]
    public void Its_updates_have_the_same_bits_again_and_on_any_number_of_threads(string name)
    {
        byte[][] states = [.. ((int[])[1, 1, 3]).Select(threads =>
        {
            using Try at = new(name, DType.Float32, threads);
            for (int i = 0; i < Updates; i++)
                at.Distiller.Step();
            return at.State();
        })];
        Assert.Equal(states[0], states[1]);
        Assert.Equal(states[0], states[2]);
    }

    [Theory, MemberData(nameof(Methods))]
    public void It_goes_on_from_a_saved_state_as_if_it_had_never_stopped(string name)
    {
        foreach (DType dtype in (DType[])[DType.Float64, DType.Float32])
        {
            using Try whole = new(name, dtype), resumed = new(name, dtype);
            byte[] half = [];
            for (int i = 0; i < Updates; i++)
            {
                if (i == Updates / 2)
                    half = whole.State();
                whole.Distiller.Step();
            }
            resumed.Distiller.Restore(Safetensors.Read(new MemoryStream(half)));
            Assert.Equal(half, resumed.State());
            while (resumed.Distiller.Iteration < Updates)
                resumed.Distiller.Step();
            Assert.Equal(whole.State(), resumed.State());
            // Another set begins as the first one did.
            using Distiller again = whole.Begin();
            for (int i = 0; i < Updates; i++)
                again.Step();
            Assert.Equal(whole.State(), Bytes(again.Save()));
        }
    }

    [Theory, MemberData(nameof(Methods))]
    public void Its_metrics_are_those_that_it_names(string name)
    {
        using Try at = new(name);
        var seen = new SortedSet<string>(StringComparer.Ordinal);
        for (int i = 0; i < Updates; i++)
        {
            DistillationStep step = at.Distiller.Step();
            Assert.Equal(step.Metrics.Select(m => m.Name).Distinct(StringComparer.Ordinal), step.Metrics.Select(m => m.Name), StringComparer.Ordinal);
            seen.UnionWith(step.Metrics.Select(m => m.Name));
        }
        Assert.Equal(at.Method.Metrics.Order(StringComparer.Ordinal), seen, StringComparer.Ordinal);
    }

    [Theory, MemberData(nameof(Methods))]
    public void It_leaves_no_tensors_behind(string name)
    {
        var backend = new CpuBackend(1);
        using var all = TensorScope.Begin(); // a buffer of nobody's would go when the collector comes, between two counts
        using Try at = new(name, backend: backend);
        at.Session.Dispose();
        at.Distiller.Dispose();
        int before = backend.Memory.LiveBuffers;
        for (int round = 0; round < 2; round++)
        {
            using var scope = TensorScope.Begin(); // what a session makes once belongs to whoever begins it
            using MethodSession session = at.NewSession();
            using (Distiller distiller = at.Begin(session))
            {
                for (int i = 0; i < Updates; i++)
                    distiller.Step();
                session.ForgetCaches();
                int held = backend.Memory.LiveBuffers;
                using (TensorScope.Begin())
                    session.Evaluate(distiller.Set, distiller.Iteration, s_key);
                session.ForgetCaches();
                Assert.Equal(held, backend.Memory.LiveBuffers); // an evaluation alone
            }
        }
        Assert.Equal(before, backend.Memory.LiveBuffers);
    }

    private static byte[] Evaluated(Try at, SyntheticSet s)
    {
        using var scope = TensorScope.Begin();
        MethodStep step = at.Session.Evaluate(s, at.Distiller.Iteration, s_key.Split("evaluated"));
        return Bytes(
        [
            NamedArray.From("loss", [1], (double[])[step.Loss]),
            .. step.Gradient!.Parts.Select(p => NamedArray.From(p.Name, p.Value.Shape.Sizes, p.Value.ToArray<double>())),
        ]);
    }

    private static byte[] Bytes(IReadOnlyList<NamedArray> arrays)
    {
        var stream = new MemoryStream();
        Safetensors.Write(stream, arrays);
        return stream.ToArray();
    }

    // A method on a tiny problem, with its settings made small.
    private sealed class Try : IDisposable
    {
        private readonly TinyProblem _problem;
        private readonly TinyPlan _plan = new() { Iterations = Updates, Images = new PartPlan(new SgdOptimiser(), 0.01, 0.5), Labels = new PartPlan(new SgdOptimiser(), 0.01, 0.5) };

        public Try(string name, DType dtype = DType.Float64, int threads = 1, int factor = 1, Backend? backend = null)
        {
            Method = Kinds.Find<DistillationMethod>(name)!;
            _problem = new TinyProblem(
                CheckpointSchedule.Every(3), mode: SecondDerivatives.FiniteDifference, backend: backend ?? new CpuBackend(threads), dtype: dtype,
                experts: 2, plan: new TrainingPlan(6, 4, 0.1, 0, 0, RateSchedule.Constant));
            LabelledImages first = _problem.Train.Rows([.. Enumerable.Range(0, 3).SelectMany(c => _problem.RandomOfClass(c, Each, s_key))]);
            Start = new SyntheticSet(first.Images, first.Labels.Times(4)) { Factor = factor };
            Session = NewSession();
            foreach (string number in Session.Numbers.Keys.Where(n => !Start.Numbers.ContainsKey(n)))
                Start = Start with { Numbers = Start.Numbers.Add(number, 0.1) };
            Distiller = Begin(Session);
        }

        public DistillationMethod Method { get; }

        public MethodSession Session { get; }

        public SyntheticSet Start { get; }

        public Distiller Distiller { get; }

        public MethodSession NewSession() => Method.Begin(new MethodContext
        {
            Network = _problem.Network, Real = _problem, Experts = _problem.Experts, Key = s_key.Split("run"),
            Values = Small(Method), Augmentation = new Augmentation(AugmentationOps.Photographs),
            Products = new SecondOrderProducts(SecondDerivatives.FiniteDifference),
        });

        public Distiller Begin() => Begin(Session);

        public Distiller Begin(MethodSession session) => _plan.Begin(session, Start, s_key);

        public byte[] State() => Bytes(Distiller.Save());

        public void Dispose()
        {
            Distiller.Dispose();
            Session.Dispose();
            _problem.Dispose();
        }

        // Counts of what costs time as small as they may be: two where that is allowed, so that there is something to divide.
        private static MethodValues Small(DistillationMethod method)
        {
            MethodValues values = MethodValues.Standard;
            const string LeastStart = "StartMin"; // walks of DATM begin from here on, below the others
            // An update of several windows is the matter of WindowMeanTests.
            foreach (WholeSetting setting in method.Settings.OfType<WholeSetting>().Where(s => s != WindowMean.Windows))
                values = With(values, setting, setting.Name == LeastStart ? 0 : 2);
            method.Check(values, new ExpertPlan(2, 0));
            return values;
        }

        private static MethodValues With(MethodValues values, WholeSetting setting, int least)
        {
            for (int i = least; ; i++)
            {
                try
                {
                    return values.With(setting, i.ToString(CultureInfo.InvariantCulture));
                }
                catch (SettingException) when (i < 1000)
                {
                }
            }
        }
    }
}
