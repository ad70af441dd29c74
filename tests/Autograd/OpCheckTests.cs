using InfMatch.Autograd;
using InfMatch.Tensors;

namespace InfMatch.Tests.Autograd;

/// <summary>The check that devices are evaluated by must find a device that is wrong.</summary>
public sealed class OpCheckTests
{
    [Theory]
    [InlineData(0, true)]
    [InlineData(1e-4, false)]
    [InlineData(double.NaN, false)]
    public void A_wrong_value_is_found(double offset, bool passes)
    {
        OpSample sample = new(new Skewed(offset), new Shape(3));
        foreach (DType dtype in (DType[])[DType.Float32, DType.Float64])
        {
            OpReport report = OpCheck.Forward(sample, new CpuBackend(1), dtype);
            Assert.Equal(passes, report.Passed);
            Assert.InRange(report.Tolerance, 1e-12, 1e-6);
        }
    }

    [Theory]
    [InlineData(0, true)]
    [InlineData(1e-3, false)]
    [InlineData(double.NaN, false)]
    public void A_wrong_adjoint_is_found(double offset, bool passes)
    {
        var sample = OpSample.Linear(new Skewed(0) { CotangentScale = 1 + offset }, new Shape(5));
        Assert.Equal(passes, OpCheck.Adjoint(sample, new CpuBackend(1), DType.Float64).Passed);
        Assert.Equal(passes, OpCheck.Vjp(sample, new CpuBackend(1), DType.Float64).Passed);
    }

    [Fact]
    public void All_checks_of_an_operation_pass_or_name_what_is_wrong()
    {
        Assert.All(OpCheck.All(typeof(Sin), Backend.Default), report => Assert.True(report.Passed, report.ToString()));
        OpReport[] failed = [.. OpCheck.All(typeof(WrongSine), Backend.Default).Where(report => !report.Passed)];
        Assert.All(failed, report => Assert.Contains("differences", report.What, StringComparison.Ordinal));
        Assert.Contains(failed, report => report.ToString().StartsWith("FAILED: WrongSine", StringComparison.Ordinal));
        Assert.Throws<ArgumentException>(() => OpCheck.All(typeof(Skewed), Backend.Default).Count());
    }

    // Every backend agrees on its derivative, which is wrong.
    private sealed record WrongSine : MapOp<WrongSine, SinFunction>
    {
        protected override Variable Vjp(Variable x, Variable y, Variable dy) => dy * x;
    }

    [Fact]
    public void Draws_are_exact_in_float32_and_repeatable()
    {
        OpSample sample = AllOperations.Samples["Conv2d#0"];
        double[][] first = AllOperations.Draw(sample), again = AllOperations.Draw(sample);
        for (int i = 0; i < first.Length; i++)
        {
            Assert.Equal(first[i], again[i]);
            Assert.All(first[i], x => Assert.Equal(x, (float)x));
            Assert.True(first[i].Distinct().Count() > 1);
        }
    }

    // x on the reference, and what is not x elsewhere: a device whose kernel or whose adjoint is wrong.
    private sealed record Skewed(double Offset) : SingleOutputOp
    {
        public double CotangentScale { get; init; } = 1;

        protected override Shape InferOne(ReadOnlySpan<Shape> inputs) => inputs[0];

        protected override void Compute(Backend on, ReadOnlySpan<Tensor> x, Tensor y) =>
            on.Run(new AffineCall(x[0], 1, on is ReferenceBackend ? 0 : Offset, y));

        public override Variable?[] Vjp(Node at) =>
            [at.Cotangent * (at.Cotangent.Value.Backend is ReferenceBackend ? 1 : CotangentScale)];
    }
}
