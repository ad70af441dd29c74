using InfMatch.Autograd;
using InfMatch.Methods;
using InfMatch.Tensors;

namespace InfMatch.Tests.Methods;

/// <summary>Functions of rows whose graph is not kept.</summary>
public sealed class RecomputedRowsTests
{
    private static readonly RandomKey s_key = RandomKey.FromSeed(5);

    /// <summary>Holds the VJP to central differences along every number of x, in float64.</summary>
    internal static void RequireDifferences(RecomputedRows rows, Tensor x, Shape shape)
    {
        const double Step = 1e-5;
        using var scope = TensorScope.Begin();
        Tensor cotangent = Tensor.Normal(x.Backend, DType.Float64, shape, s_key.Split("cotangent"));
        double[] at = x.ToArray<double>(), found = rows.Pullback(x, cotangent).ToArray<double>();
        Assert.Contains(found, slope => Math.Abs(slope) > 1e-3);
        for (int i = 0; i < at.Length; i++)
        {
            double expected = (Value(i, Step) - Value(i, -Step)) / (2 * Step);
            Assert.Equal(expected, found[i], 1e-7 * Math.Max(1, Math.Abs(expected)));
        }

        double Value(int moved, double by)
        {
            double[] other = [.. at];
            other[moved] += by;
            return TensorAlgebra.Dot(rows.Of(Tensor.From(x.Backend, DType.Float64, other, x.Shape)), cotangent);
        }
    }

    [Fact]
    public void The_pullback_is_that_of_central_differences() => RequireDifferences(
        new RecomputedRows(Product, new Shape(2)), Tensor.Normal(new CpuBackend(1), DType.Float64, new Shape(3, 1, 4), s_key), new Shape(3, 2));

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void Values_and_gradients_are_those_of_the_recorded_rows_on_any_number_of_threads(int threads)
    {
        var backend = new CpuBackend(threads);
        using var scope = TensorScope.Begin();
        Tensor x = Tensor.Normal(backend, DType.Float32, new Shape(7, 1, 4), s_key);
        Tensor slope = Tensor.Normal(backend, DType.Float32, new Shape(7, 2), s_key);
        var rows = new RecomputedRows(Product, new Shape(2));
        Variable leaf = Variable.Leaf(x);
        Variable recorded = Functional.Concat(
            0, [.. Enumerable.Range(0, 7).Select(i => Product(leaf.Slice(0, i..(i + 1))).Reshape(new Shape(1, 2)))]);
        Tensor y = rows.Of(x);
        Assert.Equal(new Shape(7, 2), y.Shape);
        Assert.Equal(recorded.Value.ToArray<float>(), y.ToArray<float>());
        Assert.Equal(
            Gradient.Of(recorded, leaf, Variable.Constant(slope)).Value.ToArray<float>(), rows.Pullback(x, slope).ToArray<float>());
    }

    [Fact]
    public void What_does_not_fit_is_refused()
    {
        using var scope = TensorScope.Begin();
        Tensor x = Tensor.Full(new CpuBackend(1), DType.Float64, new Shape(3, 2), 2);
        var rows = new RecomputedRows(row => row, new Shape(5));
        Assert.Contains(
            "made [1, 2] of [1, 2], expected 5 numbers", Assert.Throws<ShapeException>(() => rows.Of(x)).Message, StringComparison.Ordinal);
        Assert.Contains(
            "Rows are asked of []", Assert.Throws<ShapeException>(() => rows.Of(x.View(0, Shape.Scalar))).Message, StringComparison.Ordinal);
        Assert.Contains(
            "is [3, 2], expected [3, 5]", Assert.Throws<ShapeException>(() => rows.Pullback(x, x)).Message, StringComparison.Ordinal);
    }

    private static Variable Product(Variable row)
    {
        Variable square = row.Reshape(new Shape(2, 2));
        return square.MatMul(square).Tanh().Sum(0);
    }
}
