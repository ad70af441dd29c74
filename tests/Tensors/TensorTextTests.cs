using InfMatch.Autograd;
using InfMatch.Tensors;

namespace InfMatch.Tests.Tensors;

/// <summary>What a tensor looks like when it is written out.</summary>
public sealed class TensorTextTests
{
    private static readonly CpuBackend s_cpu = new(1);

    [Fact]
    public void A_scalar_is_written_with_all_its_digits()
    {
        Assert.Equal("0.1 (Float64 [] on cpu)", Tensor.Of(0.1).ToString());
        Assert.Equal("0.1 (Float32 [] on cpu)", Tensor.From<float>(s_cpu, [0.1f], Shape.Scalar).ToString());
        Assert.Equal("nan (Float64 [] on cpu)", Tensor.Of(double.NaN).ToString());
    }

    [Fact]
    public void Numbers_stand_in_rows_and_in_columns() => Assert.Equal(
        """
        [[ 1.0000, -2.5000,  0.3333],
         [    nan,     inf,    -inf]] (Float64 [2, 3] on cpu)
        """,
        Of([1, -2.5, 1 / 3.0, double.NaN, double.PositiveInfinity, double.NegativeInfinity], new Shape(2, 3)));

    [Fact]
    public void Whole_numbers_have_no_decimals_and_blocks_an_empty_line_between() => Assert.Equal(
        """
        [[[ 0,  1],
          [ 2,  3]],

         [[ 4,  5],
          [ 6, 70]]] (Float64 [2, 2, 2] on cpu)
        """,
        Of([0, 1, 2, 3, 4, 5, 6, 70], new Shape(2, 2, 2)));

    [Fact]
    public void Numbers_of_different_size_have_an_exponent() =>
        Assert.Equal("[1.0000e-05, 2.5000e+00] (Float64 [2] on cpu)", Of([1e-5, 2.5], new Shape(2)));

    [Fact]
    public void Nothing_is_written_as_nothing() => Assert.Equal("[] (Float64 [0, 3] on cpu)", Of([], new Shape(0, 3)));

    [Fact]
    public void A_long_row_is_broken()
    {
        string[] lines = Of([.. Enumerable.Range(100, 40).Select(i => (double)i)], new Shape(40)).Split('\n');
        Assert.Equal(3, lines.Length);
        Assert.All(lines, line => Assert.True(line.Length <= 110, line));
        Assert.StartsWith(" 1", lines[1], StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(DType.Float32)]
    [InlineData(DType.Float64)]
    public void Of_many_numbers_the_ends_of_each_axis_are_written(DType dtype)
    {
        Tensor x = Tensor.From(s_cpu, dtype, [.. Enumerable.Range(0, 2000).Select(i => (double)i)], new Shape(2, 100, 10));
        string text = x.ToString();
        string[] rows = text.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal("[[[   0,    1,    2, …,    7,    8,    9],", rows[0]);
        Assert.Equal("  [  20,   21,   22, …,   27,   28,   29],", rows[2]);
        Assert.Equal("  …,", rows[3]);
        Assert.Equal($"  [1990, 1991, 1992, …, 1997, 1998, 1999]]] ({dtype} [2, 100, 10] on cpu)", rows[^1]);
    }

    [Fact]
    public void A_variable_says_whether_it_is_tracked()
    {
        Assert.Equal("[1, 2] (tracked Float64 [2] on cpu)", Variable.Leaf(Tensor.Of(1, 2)).ToString());
        Assert.Equal("[1, 2] (constant Float64 [2] on cpu)", Variable.Of(1, 2).ToString());
    }

    // A debugger shows variables at any time: it must not fail, and not disturb what is being captured.
    [Fact]
    public void Where_there_are_no_numbers_to_read_the_description_stands_alone()
    {
        Tensor gone = Tensor.Of(1);
        gone.Dispose();
        Assert.Equal("Float64 [] on cpu", gone.ToString());

        var backend = new CpuBackend(1);
        Tensor x = Tensor.From<double>(backend, [1, 2], new Shape(2));
        string during = "";
        using CapturedGraph graph = CapturedGraph.Of(backend, () =>
        {
            Tensor y = x.Times(2);
            during = y.ToString();
            return [y];
        });
        Assert.Equal("Float64 [2] on cpu", during);
        graph.Replay();
        Assert.Equal([2.0, 4.0], graph.Results[0].ToArray<double>());
    }

    [Fact]
    public void Drawn_numbers_are_those_of_the_key_on_every_backend()
    {
        RandomKey key = RandomKey.FromSeed(7);
        foreach (Backend backend in (Backend[])[s_cpu, new ReferenceBackend()])
        {
            Tensor normal = Tensor.Normal(backend, DType.Float64, new Shape(3), key, deviation: 2);
            var expected = new double[3];
            key.Normal(expected);
            Assert.Equal(expected.Select(v => 2 * v), normal.ToArray<double>());
            double[] uniform = Tensor.Uniform(backend, DType.Float64, new Shape(3), key, -1, 1).ToArray<double>();
            Assert.Equal([.. Enumerable.Range(0, 3).Select(i => -1 + 2 * key.UniformAt(i))], uniform);
        }
    }

    private static string Of(double[] numbers, Shape shape) => Tensor.From<double>(s_cpu, numbers, shape).ToString();
}
