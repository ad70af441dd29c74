// An operation of your own: a function, its adjoint, and the checks that come with them.
using System.Numerics.Tensors;
using InfMatch.Autograd;
using InfMatch.Samples.CustomOperation;
using InfMatch.Tensors;

Console.WriteLine(Variable.Of(-1, 0, 2).Gaussian());

// The derivative of e^(−x²) is −2x·e^(−x²), and the second one follows without another rule.
Func<Variable, Variable> slope = Differential.Grad(x => x.Gaussian());
Console.WriteLine(slope(0.25).Value);
Console.WriteLine(Differential.Grad(slope)(0.25).Value);

// The samples of MapOp are a scalar, nothing, a matrix and a long vector. On each, values and derivatives are compared
// with those of the float64 reference, and derivatives with central differences, to second order.
OpReport[] reports = [.. OpCheck.All(typeof(Gaussian), Backend.Default)];
Console.WriteLine($"cpu: {reports.Count(report => report.Passed)} of {reports.Length} checks passed");

// The same function on a GPU, here a simulated one: nothing had to be written for it.
using var gpu = new GpuBackend(GpuBackend.Simulator);
Console.WriteLine(OpCheck.Forward(OpCatalogue.Samples(typeof(Gaussian)).First(), gpu, DType.Float64).Passed
    ? "gpu: the values are those of the reference"
    : "gpu: the values differ");

namespace InfMatch.Samples.CustomOperation
{
    /// <summary>e^(−x²).</summary>
    public readonly struct GaussianFunction : IUnaryFunction
    {
        // The definition, for one number on any device: T has the arithmetic, N what a device must bring along.
        static T IUnaryFunction.Apply<T, N>(T x) => N.Exp(-(x * x));

        // The same for many numbers on the processor, with vector instructions. OneByOne.Map would do, slower.
        static void IUnaryFunction.Apply<T>(ReadOnlySpan<T> x, Span<T> y)
        {
            TensorPrimitives.Multiply(x, x, y);
            TensorPrimitives.Negate(y, y);
            TensorPrimitives.Exp(y, y);
        }
    }

    /// <summary>y = e^(−x²).</summary>
    [Formula("y = e^(−x²)", "x̄ = −2ȳ·x·y")]
    public sealed record Gaussian : MapOp<Gaussian, GaussianFunction>
    {
        // The adjoint in operations, not in numbers: that is why it can be differentiated again.
        protected override Variable Vjp(Variable x, Variable y, Variable dy) => -2 * dy * x * y;
    }

    /// <summary>The method by which it is called.</summary>
    public static class Operations
    {
        /// <summary>e^(−x²).</summary>
        public static Variable Gaussian(this Variable x) => new Gaussian().On(x);
    }
}
