using InfMatch.Autograd;
using InfMatch.Nn;
using InfMatch.Tensors;

namespace InfMatch.Tests.Nn;

/// <summary>Weights of examples: in a loss, and in training.</summary>
public sealed class WeightedLossTests
{
    private static readonly ReferenceBackend s_backend = new();
    private static readonly Shape s_image = new(1, 3, 3);

    public static TheoryData<string> Models() => ["cross-entropy", "squared error"];

    [Theory]
    [MemberData(nameof(Models))]
    public void A_weighted_loss_is_the_weighted_sum_of_the_losses_by_the_number_of_examples(string model)
    {
        Network network = Model(model);
        Tensor theta = network.Initialise(s_backend, DType.Float64, RandomKey.FromSeed(1));
        LabelledImages data = Data(5);
        double[] weights = [1, 0, 2, -0.5, 1.25];
        double[] expected = new double[network.Layout.Count];
        double sum = 0;
        for (int i = 0; i < 5; i++)
        {
            LabelledImages one = data.Rows([i]);
            (Tensor loss, Tensor gradient) = network.LossAndGradient(
                theta, Variable.Constant(one.Images), Variable.Constant(one.Labels));
            sum += weights[i] * loss.ToScalar() / 5;
            double[] g = gradient.ToArray<double>();
            for (int k = 0; k < g.Length; k++)
                expected[k] += weights[i] * g[k] / 5;
        }
        Variable leaf = Variable.Leaf(theta);
        Variable weighted = network.WeightedLoss(
            leaf, Variable.Constant(data.Images), Variable.Constant(data.Labels),
            Variable.Constant(Tensor.From<double>(s_backend, weights, new Shape(5))));
        Assert.Equal(sum, weighted.Value.ToScalar(), 1e-12);
        double[] found = Gradient.Of(weighted, leaf).Value.ToArray<double>();
        for (int k = 0; k < found.Length; k++)
            Assert.Equal(expected[k], found[k], 1e-12);
    }

    [Fact]
    public void An_example_of_weight_zero_does_nothing_and_the_divisor_stays()
    {
        Network network = Model("cross-entropy");
        Tensor theta = network.Initialise(s_backend, DType.Float64, RandomKey.FromSeed(1));
        LabelledImages data = Data(5);
        var plan = new TrainingPlan(1, 5, 0.5, 0, 0, RateSchedule.Constant);
        Tensor without = new Trainer(network, data, plan, RandomKey.FromSeed(2)) { Weights = [1, 1, 0, 1, 1] }.Run(theta);
        // The mean over four has 5/4 of the weight that the sum over four by five has.
        Tensor four = new Trainer(
            network, data.Rows([0, 1, 3, 4]), plan with { Rate = 0.5 * 4 / 5 }, RandomKey.FromSeed(2)).Run(theta);
        Tensor all = new Trainer(network, data, plan, RandomKey.FromSeed(2)).Run(theta);
        Assert.True(without.Minus(four).Norm() < 1e-14, $"{without.Minus(four).Norm():G3}");
        Assert.True(without.Minus(all).Norm() > 1e-3);
    }

    [Fact]
    public void What_is_added_is_descended_too()
    {
        Network network = Model("squared error");
        Tensor theta = network.Initialise(s_backend, DType.Float64, RandomKey.FromSeed(1));
        LabelledImages data = Data(4), added = Data(3);
        var plan = new TrainingPlan(1, 4, 0.1, 0, 0, RateSchedule.Constant);
        Variable Added(Variable p) => 0.7 * network.Loss(
            p, Variable.Constant(added.Images), Variable.Constant(added.Labels));
        Tensor found = new Trainer(network, data, plan, RandomKey.FromSeed(2)) { Added = Added }.Run(theta);
        Tensor alone = new Trainer(network, data, plan, RandomKey.FromSeed(2)).Run(theta);
        Tensor expected = TensorAlgebra.Axpy(-0.1, Differential.GradientAt(Added, theta), alone);
        Assert.True(found.Minus(expected).Norm() < 1e-14);
    }

    private static Network Model(string name) =>
        name == "squared error" ? new LinearRegression(s_image, 3) : new Mlp(s_image, 3, [4], Activation.Tanh);

    private static LabelledImages Data(int count)
    {
        var pixels = new double[count * s_image.Count];
        RandomKey.FromSeed((ulong)count).Normal(pixels);
        return new LabelledImages(
            Tensor.From<double>(s_backend, pixels, new Shape(count, 1, 3, 3)),
            LabelledImages.OneHot(s_backend, DType.Float64, [.. Enumerable.Range(0, count).Select(i => i % 3)], 3));
    }
}
