using InfMatch.Autograd;
using InfMatch.Methods;
using InfMatch.Tensors;

namespace InfMatch.Tests.Methods;

/// <summary>Functions of rows whose graph is not kept.</summary>
public sealed class RecomputedRowsTests
{
    private static readonly RandomKey s_key = RandomKey.FromSeed(5);

    [Fact]
    public void Derivatives_are_those_of_central_differences_to_the_second_order()
    {
        var op = new RecomputedRows(Product, new Shape(2));
        using var scope = TensorScope.Begin();
        Tensor x = Tensor.Normal(new CpuBackend(1), DType.Float64, new Shape(3, 1, 4), s_key);
        GradCheck.FirstOrder(op, [x]);
        GradCheck.SecondOrder(op, [x]);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void Values_and_gradients_are_those_of_the_recorded_rows_on_any_number_of_threads(int threads)
    {
        var backend = new CpuBackend(threads);
        using var scope = TensorScope.Begin();
        Tensor x = Tensor.Normal(backend, DType.Float32, new Shape(7, 1, 4), s_key);
        Tensor slope = Tensor.Normal(backend, DType.Float32, new Shape(7, 2), s_key);
        Variable leaf = Variable.Leaf(x), y = new RecomputedRows(Product, new Shape(2)).On(leaf);
        Variable recorded = Functional.Concat(
            0, [.. Enumerable.Range(0, 7).Select(i => Product(leaf.Slice(0, i..(i + 1))).Reshape(new Shape(1, 2)))]);
        Assert.Equal(new Shape(7, 2), y.Shape);
        Assert.Equal(recorded.Value.ToArray<float>(), y.Value.ToArray<float>());
        float[] Of(Variable of) => Gradient.Of(of, leaf, Variable.Constant(slope)).Value.ToArray<float>();
        Assert.Equal(Of(recorded), Of(y));
    }

    [Fact]
    public void The_function_runs_once_forward_and_once_more_for_the_derivative()
    {
        int runs = 0;
        var op = new RecomputedRows(
            x =>
            {
                runs++;
                return x * x;
            }, new Shape(2));
        using var scope = TensorScope.Begin();
        Variable leaf = Variable.Leaf(Tensor.Full(new CpuBackend(1), DType.Float64, new Shape(3, 2), 2)), y = op.On(leaf);
        Assert.Equal(3, runs);
        Assert.Equal(Enumerable.Repeat(4.0, 6), Gradient.Of(y.Sum(), leaf).Value.ToArray<double>());
        Assert.Equal(6, runs);
    }

    [Fact]
    public void A_function_that_makes_another_number_of_numbers_is_refused()
    {
        using var scope = TensorScope.Begin();
        Variable x = Variable.Constant(Tensor.Full(new CpuBackend(1), DType.Float64, new Shape(3, 2), 2));
        var op = new RecomputedRows(row => row, new Shape(5));
        Assert.Contains(
            "made [1, 2] of [1, 2], expected 5 numbers", Assert.Throws<ShapeException>(() => op.On(x)).Message, StringComparison.Ordinal);
        Assert.Contains("takes rows, got []", Assert.Throws<ShapeException>(() => op.On(x.Sum())).Message, StringComparison.Ordinal);
    }

    private static Variable Product(Variable row)
    {
        Variable square = row.Reshape(new Shape(2, 2));
        return square.MatMul(square).Tanh().Sum(0);
    }
}
