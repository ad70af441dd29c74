using InfMatch.Influence;
using InfMatch.Methods;
using InfMatch.Nn;
using InfMatch.Tensors;

namespace InfMatch.Tests.Methods;

/// <summary>Exact second derivatives along a training on S: differences in float32 count units that pass their kink.</summary>
public sealed class ExactWalksTests
{
    private static readonly RandomKey s_key = RandomKey.FromSeed(31);

    [Theory]
    [InlineData("mtt")]
    [InlineData("datm")]
    [InlineData("rat")]
    public void The_gradient_in_float32_is_that_of_float64_on_a_network_with_kinks(string method)
    {
        double[] exact = GradientOf(method, DType.Float64), found = GradientOf(method, DType.Float32);
        double apart = Math.Sqrt(exact.Zip(found, (x, y) => (x - y) * (x - y)).Sum() / exact.Sum(x => x * x));
        Assert.InRange(apart, 1e-12, 5e-3);
    }

    [Theory]
    [InlineData("influence", true)]
    [InlineData("mtt", true)]
    [InlineData("datm", true)]
    [InlineData("dm", false)]
    public void Products_are_differences_unless_a_run_asks_for_exact_ones(string name, bool isOpen)
    {
        DistillationMethod method = Kinds.Find<DistillationMethod>(name)!;
        MethodValues exact = MethodValues.Standard.With(SyntheticProducts.SecondDerivatives, "exact");
        Assert.Equal(isOpen, method.Settings.Contains(SyntheticProducts.SecondDerivatives));
        Assert.Equal(SecondDerivatives.FiniteDifference, SyntheticProducts.Of(method, MethodValues.Standard).Mode);
        Assert.Equal(
            isOpen ? SecondDerivatives.Exact : SecondDerivatives.FiniteDifference, SyntheticProducts.Of(method, exact).Mode);
    }

    private static double[] GradientOf(string name, DType dtype)
    {
        using var scope = TensorScope.Begin();
        using var problem = new TinyProblem(
            CheckpointSchedule.Every(6), backend: new CpuBackend(1), dtype: dtype,
            network: new ConvNet(new Shape(1, 8, 8), 3, width: 6, depth: 2));
        DistillationMethod method = Kinds.Find<DistillationMethod>(name)!;
        (string, string)[] values = name == "rat"
            ? [("Window", "4"), ("MostSteps", "4"), ("RealBatch", "0")]
            : [("SyntheticSteps", "6"), ("Window", "2"), ("StartLast", "3"), ("SyntheticRate", "0.1"), ("SecondDerivatives", "exact"), .. name == "datm" ? [("StartFirst", "2"), ("Threshold", "1e9")] : ((string, string)[])[]];
        MethodValues all = values.Aggregate(
            MethodValues.Standard, (some, v) => some.With(method.Settings.Single(s => s.Name == v.Item1), v.Item2));
        using MethodSession session = method.Begin(new MethodContext
        {
            Network = problem.Network, Real = problem, Experts = problem.Experts, Key = s_key,
            Products = SyntheticProducts.Of(method, all), Values = all,
        });
        SyntheticSet s = problem.Start with { Numbers = problem.Start.Numbers.SetItem(SyntheticSet.RateNumber, 0.1) };
        return session.Evaluate(s, 0, s_key).Gradient!.Images.ToArray<double>();
    }
}
