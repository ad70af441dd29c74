using InfMatch.Autograd;
using InfMatch.Influence;
using InfMatch.Methods;
using InfMatch.Nn;
using InfMatch.Tensors;
using InfMatch.Tensors.IO;

namespace InfMatch.Tests.Methods;

/// <summary>What every method that takes image-text pairs promises, by enumeration.</summary>
public sealed class EveryPairMethodTests
{
    private const int Updates = 6;

    private static readonly RandomKey s_key = RandomKey.FromSeed(41);

    public static TheoryData<string, string> Methods()
    {
        var cases = new TheoryData<string, string>();
        foreach (DistillationMethod method in Kinds.Of<DistillationMethod>().Where(method => method.TakesPairs))
        foreach (string loss in Kinds.Names<PairLoss>())
            cases.Add(method.Name, loss);
        return cases;
    }

    [Fact]
    public void They_are_the_methods_of_influence_and_of_trajectories_and_the_last_layer() => Assert.Equal(
        ["datm", "influence", "last-layer", "mtt"],
        Kinds.Of<DistillationMethod>().Where(method => method.TakesPairs).Select(method => method.Name), StringComparer.Ordinal);

    [Theory, MemberData(nameof(Methods))]
    public void Its_updates_are_finite_and_lower_the_loss_and_go_on_from_a_saved_state(string name, string loss)
    {
        using Try whole = new(name, loss), again = new(name, loss), resumed = new(name, loss, threads: 3);
        double before = whole.Distiller.Probe();
        Assert.Equal(before, whole.Distiller.Probe());
        byte[] half = [];
        for (int i = 0; i < Updates; i++)
        {
            if (i == Updates / 2)
                half = whole.State();
            DistillationStep step = whole.Distiller.Step();
            Assert.False(step.Skipped);
            Assert.Equal(whole.Method.Metrics.Order(StringComparer.Ordinal), step.Metrics.Select(m => m.Name).Order(StringComparer.Ordinal));
            again.Distiller.Step();
        }
        Assert.True(whole.Distiller.Probe() < before, $"{before} to {whole.Distiller.Probe()}");
        Assert.Equal(whole.State(), again.State());
        resumed.Distiller.Restore(Safetensors.Read(new MemoryStream(half)));
        while (resumed.Distiller.Iteration < Updates)
            resumed.Distiller.Step();
        Assert.Equal(whole.State(), resumed.State());
    }

    [Theory, MemberData(nameof(Methods))]
    public void In_float32_it_is_nearly_the_same(string name, string loss)
    {
        using Try exact = new(name, loss), single = new(name, loss, dtype: DType.Float32);
        (double a, double b) = (exact.Distiller.Step().Loss, single.Distiller.Step().Loss);
        Assert.Equal(a, b, 1e-3 * Math.Abs(a));
    }

    [Fact]
    public void Through_a_frozen_encoder_it_is_the_method_on_features_with_one_pullback()
    {
        using var problem = new TinyPairs();
        DistillationMethod method = Kinds.Find<DistillationMethod>("influence")!;
        using var scope = TensorScope.Begin();
        Tensor weight = Tensor.Normal(problem.Backend, DType.Float64, new Shape(4, 5), s_key);
        int runs = 0;
        Variable Encode(Variable pixels)
        {
            runs++;
            return pixels.Flatten().Tanh().MatMul(Variable.Constant(weight), transposeB: true);
        }
        Tensor pixels = Tensor.Normal(problem.Backend, DType.Float64, new Shape(5, 5, 1, 1), s_key.Split("pixels"));
        SyntheticSet s = problem.Start with { Parts = problem.Start.Parts.SetItem(0, new SyntheticPart(SyntheticSet.ImagesPart, pixels)) };
        using MethodSession plain = method.Begin(problem.Context(TinyPairs.Small(method)));
        using var session = new EncodedSession(method.Begin(problem.Context(TinyPairs.Small(method))), SyntheticPairs.ImagesPart, new RecomputedRows(Encode, new Shape(4)));
        MethodStep step = session.Evaluate(s, 0, s_key);
        Assert.Equal(2 * 5, runs); // each row, and once more for the VJP
        Variable leaf = Variable.Leaf(pixels), features = Encode(leaf);
        SyntheticSet seen = s with { Parts = s.Parts.SetItem(0, new SyntheticPart(SyntheticPairs.ImagesPart, features.Value)) };
        MethodStep expected = plain.Evaluate(seen, 0, s_key);
        Assert.Equal(expected.Loss, step.Loss, 1e-12);
        Assert.Equal([SyntheticSet.ImagesPart, SyntheticPairs.TextsPart], step.Gradient!.Parts.Select(p => p.Name), StringComparer.Ordinal);
        Tensor slope = Gradient.Of(features, leaf, Variable.Constant(expected.Gradient!.Parts[0].Value)).Value;
        foreach ((Tensor wanted, Tensor found) in ((Tensor, Tensor)[])[(slope, step.Gradient.Parts[0].Value), (expected.Gradient.Parts[1].Value, step.Gradient.Parts[1].Value)])
            Assert.All(wanted.ToArray<double>().Zip(found.ToArray<double>()), pair => Assert.Equal(pair.First, pair.Second, 1e-12));
        Assert.Equal(plain.Probe(seen, s_key), session.Probe(s, s_key), 1e-12);
    }

    [Fact]
    public void A_similarity_starts_as_the_identity_and_pairs_become_a_training_set()
    {
        using var problem = new TinyPairs();
        using var scope = TensorScope.Begin();
        SyntheticSet plain = SyntheticPairs.Of(problem.Data, [3, 0], s_key), with = plain.WithSimilarity(2, s_key);
        LabelledImages pairs = with.AsTrainingPairs(withSimilarity: true);
        Assert.Equal((new Shape(2, 4, 1, 1), new Shape(2, 3 + 1 + 4)), (pairs.Images.Shape, pairs.Labels.Shape));
        var labels = PairLabels.Of(Variable.Constant(pairs.Labels), 3);
        Assert.Equal([1, 0, 0, 1], labels.Similarity(3)!.Value.ToArray<double>());
        Assert.Equal(plain.Tensors[1].ToArray<double>(), with.AsTrainingPairs(withSimilarity: false).Labels.ToArray<double>());
        Assert.Equal(problem.Data.Images.ToArray<double>()[12..16], plain.Tensors[0].ToArray<double>()[..4]);
        Assert.Throws<ShapeException>(() => SyntheticPairs.Of(plain.Tensors[0], with.Tensors[3].View(0, new Shape(1, 2))));
    }

    private sealed class Try : IDisposable
    {
        private readonly TinyPairs _problem;
        private readonly MethodSession _session;

        public Try(string name, string loss, DType dtype = DType.Float64, int threads = 1)
        {
            Method = Kinds.Find<DistillationMethod>(name)!;
            _problem = new TinyPairs(loss, dtype: dtype, backend: new CpuBackend(threads), experts: 2);
            _session = Method.Begin(_problem.Context(TinyPairs.Small(Method)));
            SyntheticSet start = _problem.Start;
            if (!_session.Numbers.ContainsKey(SyntheticSet.RateNumber))
                start = start with { Numbers = start.Numbers.Remove(SyntheticSet.RateNumber) };
            Distiller = new Distiller(
                _session, start,
                new DistillationPlan
                {
                    Iterations = Updates,
                    Parts = start.Parts.ToDictionary(
                        part => part.Name, _ => new PartPlan(new AdamOptimiser(), 0.02, 0), StringComparer.Ordinal),
                },
                s_key);
        }

        public DistillationMethod Method { get; }

        public Distiller Distiller { get; }

        public byte[] State()
        {
            var stream = new MemoryStream();
            Safetensors.Write(stream, Distiller.Save());
            return stream.ToArray();
        }

        public void Dispose()
        {
            Distiller.Dispose();
            _session.Dispose();
            _problem.Dispose();
        }
    }
}
