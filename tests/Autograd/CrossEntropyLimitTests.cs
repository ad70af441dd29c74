using InfMatch.Autograd;
using InfMatch.Tensors;

namespace InfMatch.Tests.Autograd;

/// <summary>Cross-entropy where a probability is exactly 0: value and derivatives are those of the classes that remain.</summary>
[Collection(SharedBackends.Name)]
public sealed class CrossEntropyLimitTests
{
    private const double Never = double.NegativeInfinity;

    public static TheoryData<string> Backends() => [.. TestBackends.All.Select(b => b.Name)];

    [Theory, MemberData(nameof(Backends))]
    public void A_class_of_logit_minus_infinity_and_label_0_counts_nothing_in_the_value_and_in_every_derivative(string on)
    {
        TestBackend test = TestBackends.Named(on);
        // Two rows of three classes; the same with two classes between them that cannot be, among enough to fill any vector.
        double[] z = [1, -0.5, 2, 0.25, 3, -1], q = [0.25, 0, 0.75, 0.5, 0.5, 0], along = [0.3, -1, 0.7, 0.2, 0.9, -0.4];
        int[] kept = [0, 7, 18];
        double[] wideZ = Spread(z, kept, Never), wideQ = Spread(q, kept, 0), wideAlong = Spread(along, kept, 0.5);
        double[][] expected = All(test, z, q, along, 3), found = All(test, wideZ, wideQ, wideAlong, 19);
        double tolerance = test.DType == DType.Float64 ? 1e-13 : 1e-6;
        Assert.Equal(expected[0][0], found[0][0], tolerance);
        Assert.Equal(Math.Log(Math.Exp(1) + Math.Exp(-0.5) + Math.Exp(2)) - 0.25 - 1.5 + Math.Log(Math.Exp(.25) + Math.Exp(3) + Math.Exp(-1))
            - 0.125 - 1.5, 2 * expected[0][0], 4 * tolerance);
        for (int k = 1; k < expected.Length; k++)
        {
            double[] spread = Spread(expected[k], kept, 0);
            for (int i = 0; i < spread.Length; i++)
                Assert.Equal(spread[i], found[k][i], tolerance);
        }
    }

    [Theory, MemberData(nameof(Backends))]
    public void A_label_above_0_there_makes_infinity_and_a_finite_slope_in_the_logits(string on)
    {
        using TensorScope scope = TensorScope.Begin();
        TestBackend test = TestBackends.Named(on);
        foreach (bool createGraph in (bool[])[false, true])
        {
            Variable logits = Leaf(test, [0, Never, 0], 3), labels = Leaf(test, [0.5, 0.25, 0.25], 3);
            Variable loss = logits.CrossEntropy(labels);
            Assert.Equal(double.PositiveInfinity, loss.Value.ToArray<double>()[0]);
            Variable[] slopes = Gradient.Of(loss, [logits, labels], createGraph: createGraph);
            Assert.Equal([0, -0.25, 0.25], slopes[0].Value.ToArray<double>(), (a, b) => Math.Abs(a - b) < 1e-6);
            double[] ofLabels = slopes[1].Value.ToArray<double>();
            Assert.Equal(double.PositiveInfinity, ofLabels[1]);
            Assert.Equal(Math.Log(2), ofLabels[0], 1e-6);
        }
    }

    [Theory, MemberData(nameof(Backends))]
    public void What_has_no_softmax_stays_NaN_whatever_the_labels(string on)
    {
        using TensorScope scope = TensorScope.Begin();
        TestBackend test = TestBackends.Named(on);
        foreach (double[] logits in (double[][])[[0, double.NaN, 1], [0, double.PositiveInfinity, 1], [Never, Never, Never]])
        {
            Variable loss = Leaf(test, logits, 3).CrossEntropy(Leaf(test, [0.5, 0, 0.5], 3));
            Assert.True(double.IsNaN(loss.Value.ToArray<double>()[0]), string.Join(' ', logits));
        }
    }

    // The value, dz by the fused kernel and by the composition, dz of twice the loss, and the Hessian in z times a vector.
    private static double[][] All(TestBackend test, double[] z, double[] q, double[] along, int classes)
    {
        using TensorScope scope = TensorScope.Begin();
        Variable logits = Leaf(test, z, classes), labels = Variable.Constant(Leaf(test, q, classes).Value);
        Variable loss = logits.CrossEntropy(labels);
        Variable fused = Gradient.Of(loss, logits), composed = Gradient.Of(loss, logits, createGraph: true);
        Variable bent = Gradient.Of(composed.Dot(Variable.Constant(Leaf(test, along, classes).Value)), logits);
        return [.. new[] { loss, fused, composed, bent }.Select(v => v.Value.ToArray<double>())];
    }

    private static Variable Leaf(TestBackend test, double[] numbers, int classes) => Variable.Leaf(
        Tensor.From(test.Shared, test.DType, numbers, new Shape(numbers.Length / classes, classes)));

    private static double[] Spread(double[] rows, int[] kept, double rest)
    {
        const int wide = 19;
        double[] result = [.. Enumerable.Repeat(rest, rows.Length / kept.Length * wide)];
        for (int i = 0; i < rows.Length; i++)
            result[i / kept.Length * wide + kept[i % kept.Length]] = rows[i];
        return result;
    }
}
