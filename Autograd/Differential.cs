using InfMatch.Tensors;

namespace InfMatch.Autograd;

/// <summary>Products with second derivatives.</summary>
public static class Differential
{
    /// <summary>The distance by which θ is moved in the second of two nested differences.</summary>
    public static double OuterStep(Tensor theta) => (theta.DType == DType.Float32 ? 1.6e-2 : 1e-4) * Math.Max(theta.Norm(), 1e-8);

    private static double Step(Tensor theta) => (theta.DType == DType.Float32 ? 4e-3 : 5e-6) * Math.Max(theta.Norm(), 1e-8);

    /// <summary>∇²f(θ)·v exactly.</summary>
    public static Tensor Hvp(Func<Variable, Variable> f, Tensor theta, Tensor v)
    {
        using var scope = TensorScope.Begin();
        Variable x = Variable.Leaf(theta);
        Variable g = Gradient.Of(f(x), x, createGraph: true);
        return scope.Keep(Gradient.Of(g, x, Variable.Constant(v)).Value.Clone());
    }

    /// <summary>∇²f(θ)·v by central differences.</summary>
    public static Tensor HvpByFiniteDifference(Func<Variable, Variable> f, Tensor theta, Tensor v)
    {
        using var scope = TensorScope.Begin();
        double norm = v.Norm();
        if (norm == 0)
            return scope.Keep(theta.ZerosLike());
        double e = Step(theta) / norm;
        Variable plus = Variable.Leaf(TensorAlgebra.Axpy(e, v, theta)), minus = Variable.Leaf(TensorAlgebra.Axpy(-e, v, theta));
        return scope.Keep(Gradient.Of(f(plus), plus).Value.Minus(Gradient.Of(f(minus), minus).Value).Times(0.5 / e));
    }

    /// <summary>M_S exactly.</summary>
    public static Tensor[] MixedProduct(
        Func<Variable, IReadOnlyList<Variable>, Variable> loss, Tensor theta, IReadOnlyList<Tensor> s, Tensor v)
    {
        using var scope = TensorScope.Begin();
        Variable x = Variable.Leaf(theta);
        Variable[] leaves = [.. s.Select(Variable.Leaf)];
        Variable g = Gradient.Of(loss(x, leaves), x, createGraph: true);
        return [.. Gradient.Of(g, leaves, Variable.Constant(v)).Select(r => scope.Keep(r.Value.Clone()))];
    }

    /// <summary>M_S by central differences.</summary>
    public static Tensor[] MixedProductByFiniteDifference(
        Func<Variable, IReadOnlyList<Variable>, Variable> loss, Tensor theta, IReadOnlyList<Tensor> s, Tensor v)
    {
        using var scope = TensorScope.Begin();
        double norm = v.Norm();
        if (norm == 0)
            return [.. s.Select(t => scope.Keep(t.ZerosLike()))];
        double e = Step(theta) / norm;
        Variable[] Side(double sign)
        {
            Variable[] leaves = [.. s.Select(Variable.Leaf)];
            return Gradient.Of(loss(Variable.Constant(TensorAlgebra.Axpy(sign * e, v, theta)), leaves), leaves);
        }
        Variable[] plus = Side(1), minus = Side(-1);
        return [.. plus.Zip(minus, (a, b) => scope.Keep(a.Value.Minus(b.Value).Times(0.5 / e)))];
    }
}
