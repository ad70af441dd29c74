// Is my derivative right? GradCheck compares it with central differences, to second order.
using InfMatch.Autograd;
using InfMatch.Samples.GradientCheck;
using InfMatch.Tensors;

// The log of a softmax-like mixture of two inputs, made of operations: its derivative follows by itself.
static Variable Mixture(IReadOnlyList<Variable> x) => (x[0].Exp() + 2 * x[1].Exp()).Log() * x[0];

Tensor a = Tensor.Of(0.3, -1.2, 0.7), b = Tensor.Of(-0.4, 0.9, 1.5);
GradCheckReport first = GradCheck.FirstOrder(Mixture, [a, b]), second = GradCheck.SecondOrder(Mixture, [a, b]);
Console.WriteLine($"first order: {first.Comparisons} comparisons within the tolerance");
Console.WriteLine($"second order: {second.Comparisons} comparisons within the tolerance");

// A common slip: .Value leaves the graph, so what stands behind it is a constant for the derivative.
static Variable Detached(IReadOnlyList<Variable> x) => x[0] * Variable.Constant(x[0].Exp().Value);
try
{
    GradCheck.FirstOrder(Detached, [a]);
}
catch (GradCheckException e)
{
    Console.WriteLine($"detached: {e.Report.Analytic:F4} by the VJP, {e.Report.Numeric:F4} by differences");
}

// A slip that no first derivative shows: the rule below is right, but its slope is computed from numbers. Only the check
// of the derivative of the VJP sees that a Hessian-vector product would be wrong.
GradCheck.FirstOrder(new Square(), [a]);
Console.WriteLine("a rule in numbers passes at first order");
try
{
    GradCheck.SecondOrder(new Square(), [a]);
}
catch (GradCheckException e)
{
    Console.WriteLine($"and fails at second order: {e.Report.Analytic:F4} instead of {e.Report.Numeric:F4}");
}

namespace InfMatch.Samples.GradientCheck
{
    /// <summary>y = x² with a VJP that leaves the graph.</summary>
    internal sealed record Square : SingleOutputOp
    {
        protected override Shape InferOne(ReadOnlySpan<Shape> inputs) => inputs[0];

        protected override void Compute(Backend on, ReadOnlySpan<Tensor> x, Tensor y) => on.Zip<MultiplyFunction>(x[0], x[0], y);

        public override Variable?[] Vjp(Node at) => [at.Cotangent * Variable.Constant(at.Inputs[0].Value.Times(2))];
    }
}
