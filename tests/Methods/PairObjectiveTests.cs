using System.Globalization;
using InfMatch.Autograd;
using InfMatch.Influence;
using InfMatch.Methods;
using InfMatch.Nn;
using InfMatch.Tensors;

namespace InfMatch.Tests.Methods;

/// <summary>Objectives over sets of image-text pairs, and their derivatives.</summary>
public sealed class PairObjectiveTests
{
    private static readonly RandomKey s_key = RandomKey.FromSeed(30);

    public static TheoryData<string, string, int> Cases()
    {
        var cases = new TheoryData<string, string, int>();
        foreach (string estimator in Kinds.Names<InfluenceEstimator>())
        {
            cases.Add(estimator, "infonce", 0);
            cases.Add(estimator, "ence", 0);
        }
        cases.Add("first-order", "wbce", 0);
        cases.Add("trajectory-matching", "wbce", 2);
        return cases;
    }

    [Theory, MemberData(nameof(Cases))]
    public void The_gradient_of_J_agrees_with_differences_for_every_estimator(string estimator, string loss, int batch)
    {
        foreach (WeightRule rule in Enum.GetValues<WeightRule>())
        {
            using var problem = new TinyPairs(loss);
            using var scope = TensorScope.Begin();
            var objective = new InfluenceObjective(InfluenceEstimator.Of(estimator), problem.Estimation(), rule);
            var window = new Window(0, 1, 5);
            var onSet = new SyntheticPairLoss(problem.OnSet, s_key) { BatchSize = batch };
            ObjectiveValue value = objective.Evaluate(window, problem.Start, onSet);
            Check(problem.Start, value.Gradient!, s => objective.Evaluate(window, s, onSet, gradient: false).Relative,
                estimator.StartsWith("paper", StringComparison.Ordinal) ? 1e-4 : 2e-5); // its pullback is a difference itself
            if (rule == WeightRule.Learned)
            {
                double At(double weight) =>
                    objective.Evaluate(window, problem.Start with { Weight = weight }, onSet, gradient: false).Relative;
                Assert.Equal((At(0.7 + 1e-5) - At(0.7 - 1e-5)) / 2e-5, value.WeightGradient, 1e-7);
            }
        }
    }

    [Fact]
    public void J_is_the_mean_of_the_two_heads_each_by_its_own_displacement()
    {
        using var problem = new TinyPairs();
        using var scope = TensorScope.Begin();
        var estimator = new BoundEstimator("first-order", problem.Estimation());
        var window = new Window(0, 0, 4);
        var onSet = new SyntheticPairLoss(problem.OnSet, s_key);
        SyntheticSet start = SyntheticPairs.Of(problem.Data, [.. Enumerable.Range(0, TinyPairs.Count)], s_key) with { Weight = 0.7 };
        double[] real = estimator.Real(window).ToArray<double>(), set = estimator.Synthetic(window, start, onSet).ToArray<double>();
        double J(double weight) => problem.Network.Blocks.Average(block => Enumerable.Range(block.Offset, block.Count)
            .Sum(i => Math.Pow(weight * set[i] - real[i], 2)) / Enumerable.Range(block.Offset, block.Count).Sum(i => real[i] * real[i]));
        Assert.Equal(J(0.7), estimator.Objective(WeightRule.Fixed).Evaluate(window, start, onSet).Relative, 1e-12);
        ObjectiveValue best = estimator.Objective(WeightRule.ClosedForm).Evaluate(window, start, onSet);
        Assert.Equal(J(best.Weight), best.Relative, 1e-12);
        Assert.True(best.Weight > 1e-2 && J(best.Weight) < J(best.Weight * 1.001) && J(best.Weight) < J(best.Weight * 0.999));
        Assert.Equal(1 - best.Cosine * best.Cosine, best.Relative, 1e-12);
    }

    [Theory, InlineData("mtt", "infonce", 0), InlineData("mtt", "wbce", 2), InlineData("datm", "ence", 0)]
    public void A_walk_on_pairs_is_matched_head_by_head_and_its_gradients_agree_with_differences(string name, string loss, int batch)
    {
        using var problem = new TinyPairs(loss);
        DistillationMethod method = Kinds.Find<DistillationMethod>(name)!;
        using MethodSession session = method.Begin(problem.Context(TinyPairs.Small(method), batch));
        using var scope = TensorScope.Begin();
        double At(SyntheticSet s) => session.Evaluate(s, 0, s_key).Loss;
        MethodStep step = session.Evaluate(problem.Start, 0, s_key);
        Check(problem.Start, step.Gradient!, At, 2e-5);
        SyntheticSet WithRate(double rate) =>
            problem.Start with { Numbers = problem.Start.Numbers.SetItem(SyntheticSet.RateNumber, rate) };
        Assert.Equal(
            (At(WithRate(TinyPairs.Rate + 1e-5)) - At(WithRate(TinyPairs.Rate - 1e-5))) / 2e-5, step.NumberGradients[SyntheticSet.RateNumber], 1e-6);
        if (batch == 0)
            Assert.Equal(1, At(WithRate(1e-12)), 1e-9); // nothing was moved: 1 for each head
    }

    [Theory]
    [InlineData("infonce", "scores", "closed-form"), InlineData("ence", "scores", "closed-form")]
    [InlineData("infonce", "frobenius", "fixed"), InlineData("wbce", "frobenius", "closed-form")]
    public void The_last_layers_gradient_agrees_with_differences(string loss, string metric, string weight)
    {
        using var problem = new TinyPairs(loss, "linear");
        MethodValues values = MethodValues.Standard.With(LastLayerMatching.Metric, metric).With(LastLayerMatching.Weight, weight);
        using MethodSession session = new LastLayerMatching().Begin(problem.Context(values));
        using var scope = TensorScope.Begin();
        MethodStep step = session.Evaluate(problem.Start, 0, s_key);
        Check(problem.Start, step.Gradient!, s => session.Evaluate(s, 0, s_key).Loss, 1e-6);
        Assert.Equal(step.Loss, session.Probe(problem.Start, s_key), 1e-12);
    }

    [Fact]
    public void A_set_whose_last_layer_points_away_from_that_of_D_is_turned_round()
    {
        using var problem = new TinyPairs();
        using MethodSession session = new LastLayerMatching().Begin(problem.Context(MethodValues.Standard));
        using var scope = TensorScope.Begin();
        SyntheticSet all = SyntheticPairs.Of(problem.Data, [.. Enumerable.Range(0, TinyPairs.Count)], s_key);
        SyntheticSet away = all.WithTensors([all.Tensors[0], all.Tensors[1].Times(-1)]);
        MethodStep step = session.Evaluate(away, 0, s_key);
        Assert.True(CosineOf(step) < -0.5 && step.Loss > 1 && step.Numbers[SyntheticSet.WeightNumber] > 0);
        Check(away, step.Gradient!, s => session.Evaluate(s, 0, s_key).Loss, 1e-5);
        Tensor[] moved = [.. away.Tensors.Zip(
            step.Gradient!.Parts, (part, slope) => TensorAlgebra.Axpy(-1e-2 / slope.Value.Norm(), slope.Value, part))];
        Assert.True(CosineOf(session.Evaluate(away.WithTensors(moved), 0, s_key)) > CosineOf(step));

        static double CosineOf(MethodStep at) => at.Metrics.Single(metric => metric.Name == "cosine").Value;
    }

    [Fact]
    public void The_last_layer_is_the_closed_form_of_its_covariances_and_a_set_that_is_D_has_the_one_of_D()
    {
        using var problem = new TinyPairs();
        using var scope = TensorScope.Begin();
        LabelledImages one = problem.Data.WithOneLabelEach(s_key);
        var data = new CrossCovariance(one, 0.2);
        Variable v = Centred(one.Images), t = Centred(one.Labels);
        double ridgeV = 0.2 * v.Dot(v).Value.ToScalar() / TinyPairs.Count / 4;
        double ridgeT = 0.2 * t.Dot(t).Value.ToScalar() / TinyPairs.Count / 3;
        // (Σ_vv + λ)·M·(Σ_tt + λ) = Σ_vt
        Variable m = Variable.Constant(data.Map);
        double n = TinyPairs.Count;
        Variable left = v.MatMul(v, transposeA: true).MatMul(m) / n + ridgeV * m;
        Variable whole = left.MatMul(t.MatMul(t, transposeA: true)) / n + ridgeT * left;
        Assert.Equal(0, (whole - v.MatMul(t, transposeA: true) / n).Value.Norm(), 1e-12);
        Variable same = data.MapOf(
            Variable.Constant(one.Images).Flatten(), Variable.Constant(one.Labels), similarity: null);
        Assert.Equal(0, (same - m).Value.Norm(), 1e-10);
        // The metric of scores is the mean square of the scores of all images with all texts.
        double[] scores = v.MatMul(m).MatMul(t, transposeB: true).Value.ToArray<double>();
        Assert.Equal(scores.Sum(x => x * x) / scores.Length, data.SquaredLength, 1e-10);

        static Variable Centred(Tensor rows)
        {
            Variable all = Variable.Constant(rows).Flatten();
            return all - all.MeanRow();
        }
    }

    [Fact]
    public void Of_several_texts_of_an_image_all_count()
    {
        using var problem = new TinyPairs();
        using var scope = TensorScope.Begin();
        int[] twice = [.. Enumerable.Range(0, TinyPairs.Count * 2).Select(i => i / 2)];
        var apart = new LabelledImages(Variable.Constant(problem.Data.Images).GatherRows(twice).Value, problem.Data.Labels);
        Assert.Equal(0, new CrossCovariance(problem.Data, 0.1).Map.Minus(new CrossCovariance(apart, 0.1).Map).Norm(), 1e-12);
    }

    [Fact]
    public void Classes_of_pairs_cannot_be_matched()
    {
        using var problem = new TinyPairs();
        MethodValues values = TinyPairs.Small(new InfluenceMatching()).With(InfluenceMatching.ClassWiseMatching, "on");
        Assert.Contains(
            "ClassWise is on, expected off for a loss that compares the rows of a set",
            Assert.Throws<SettingException>(() => new InfluenceMatching().Begin(problem.Context(values))).Message,
            StringComparison.Ordinal);
    }

    private static void Check(SyntheticSet s, SyntheticGradient gradient, Func<SyntheticSet, double> loss, double tolerance)
    {
        const double step = 1e-5;
        for (int part = 0; part < s.Parts.Length; part++)
        {
            double[] values = s.Tensors[part].ToArray<double>(), found = gradient.Parts[part].Value.ToArray<double>();
            Assert.Equal(s.Parts[part].Name, gradient.Parts[part].Name, StringComparer.Ordinal);
            double longest = found.Max(Math.Abs);
            Assert.True(longest > 1e-6, $"{s.Parts[part].Name} has no gradient");
            for (int i = 0; i < Math.Min(8, values.Length); i++)
            {
                double slope = (At(step) - At(-step)) / (2 * step);
                Assert.True(
                    Math.Abs(slope - found[i]) <= tolerance * Math.Max(longest, Math.Abs(slope)),
                    string.Create(
                        CultureInfo.InvariantCulture,
                        $"{s.Parts[part].Name}[{i}]: {found[i]:R} by the gradient, {slope:R} by differences"));

                double At(double by)
                {
                    using var scope = TensorScope.Begin();
                    double[] moved = [.. values];
                    moved[i] += by;
                    Tensor[] tensors = [.. s.Tensors];
                    tensors[part] = Tensor.From<double>(s.Backend, moved, s.Tensors[part].Shape);
                    return loss(s.WithTensors(tensors));
                }
            }
        }
    }
}
