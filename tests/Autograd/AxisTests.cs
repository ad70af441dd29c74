using InfMatch.Autograd;
using InfMatch.Tensors;

namespace InfMatch.Tests.Autograd;

/// <summary>Reductions, slices and concatenations along one axis, beside plain loops.</summary>
public sealed class AxisTests
{
    // [2, 3, 2] with the numbers 0 … 11, so that an element names its place.
    private static readonly Tensor s_x =
        Tensor.Of([.. Enumerable.Range(0, 12).Select(i => (double)i)]).Reshape(new Shape(2, 3, 2));

    [Fact]
    public void Sums_and_means_run_along_the_axis_that_is_named()
    {
        Assert.Equal("[[6, 9], [24, 27]]", Text(Of(x => x.Sum(1))));
        Assert.Equal("[[[6, 9]], [[24, 27]]]", Text(Of(x => x.Sum(1, keepDims: true))));
        Assert.Equal("[[2, 3], [8, 9]]", Text(Of(x => x.Mean(1))));
        Assert.Equal("[[1, 5, 9], [13, 17, 21]]", Text(Of(x => x.Sum(^1))));
        Assert.Equal("[[3, 4], [5, 6], [7, 8]]", Text(Of(x => x.Mean(0))));
    }

    [Fact]
    public void The_largest_and_the_smallest_are_found_along_an_axis_and_of_all()
    {
        Assert.Equal("[[4, 5], [10, 11]]", Text(Of(x => x.Max(1))));
        Assert.Equal("[[[0, 1]], [[6, 7]]]", Text(Of(x => x.Min(1, keepDims: true))));
        Assert.Equal("11", Text(Of(x => x.Max())));
        Assert.Equal("0", Text(Of(x => x.Min())));
    }

    [Fact]
    public void Slices_and_concatenation_are_each_others_inverse()
    {
        Assert.Equal("[[[2, 3], [4, 5]], [[8, 9], [10, 11]]]", Text(Of(x => x.Slice(1, 1..))));
        Assert.Equal("[[[6, 7], [8, 9], [10, 11]]]", Text(Of(x => x.Slice(0, ^1..))));
        for (int axis = 0; axis < 3; axis++)
        {
            Assert.Equal(
                Text(s_x), Text(Of(x => Functional.Concat(axis, x.Slice(axis, ..1), x.Slice(axis, 1..)))));
        }
        Assert.Equal("[[0, 1, 2, 0, 0]]", Text(Variable.Of(1, 2).Reshape(new Shape(1, 2)).Pad(1, 1, 2).Value));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(7)]
    [InlineData(64)]
    [InlineData(101)]
    public void The_largest_is_found_at_any_place_and_has_the_whole_derivative(int size)
    {
        for (int place = 0; place < size; place++)
        {
            double[] numbers = new double[size];
            numbers[place] = 1;
            Variable x = Variable.Leaf(Tensor.Of(numbers)), y = x.Max();
            Assert.Equal(1, y.Value.ToScalar());
            Assert.Equal(numbers, Gradient.Of(y, x).Value.ToArray<double>());
        }
    }

    [Fact]
    public void Of_equal_ones_a_single_one_has_the_derivative()
    {
        for (int size = 1; size < 20; size++)
        {
            Variable x = Variable.Leaf(Tensor.Of(new double[size]));
            double[] gradient = Gradient.Of(x.Max(), x).Value.ToArray<double>();
            Assert.Equal(1, gradient.Sum());
            Assert.Equal(1, gradient.Count(g => g != 0));
        }
    }

    [Fact]
    public void NaN_spreads_from_any_place()
    {
        for (int place = 0; place < 5; place++)
        {
            double[] numbers = [3, 1, 4, 1, 5];
            numbers[place] = double.NaN;
            Assert.True(double.IsNaN(Variable.Of(numbers).Max().Value.ToScalar()));
            Assert.True(double.IsNaN(Variable.Of(numbers).Min().Value.ToScalar()));
        }
    }

    [Fact]
    public void Derivatives_along_an_axis_are_right_to_second_order()
    {
        Tensor x = Tensor.Uniform(Backend.Default, DType.Float64, new Shape(3, 5, 2), RandomKey.FromSeed(3), -2, 2);
        foreach (Func<Variable, Variable> f in (Func<Variable, Variable>[])
        [
            v => (v * v).Sum(1), v => v.Mean(0).Sin(), v => (v * v).Max(1), v => v.Min(^1, keepDims: true) * v,
            v => v.Slice(1, 1..4).Pow(3), v => Functional.Concat(2, v, v * v), v => (v.Abs() + 0.1).Pow(0.5 * v),
        ])
        {
            GradCheck.FirstOrder(inputs => f(inputs[0]), [x]);
            GradCheck.SecondOrder(inputs => f(inputs[0]), [x]);
        }
    }

    [Fact]
    public void A_scalar_exponent_takes_whole_powers_of_negative_numbers()
    {
        Variable x = Variable.Of(-2, -1, 0, 3);
        Assert.Equal([-8, -1, 0, 27], x.Pow(3).Value.ToArray<double>());
        Assert.Equal([1, 1, 1, 1], x.Pow(0).Value.ToArray<double>());
        Assert.Equal([double.NaN, double.NaN, 0, Math.Sqrt(3)], x.Pow(0.5).Value.ToArray<double>());
    }

    [Fact]
    public void What_an_axis_does_not_have_is_refused_by_name()
    {
        Variable x = Variable.Constant(s_x);
        Assert.Contains("no axis 3: its axes are 0 to 2", Refusal(() => x.Sum(3)), StringComparison.Ordinal);
        Assert.Contains("no axis ^4", Refusal(() => x.Max(^4)), StringComparison.Ordinal);
        Assert.Contains("A scalar has no axis 0", Refusal(() => x.Sum().Sum(0)), StringComparison.Ordinal);
        Assert.Contains("leaves axis 1 of [2, 3, 2]", Refusal(() => x.Slice(1, 2..5)), StringComparison.Ordinal);
        Assert.Contains("^4..^0 leaves axis 1 of [2, 3, 2], which has 3", Refusal(() => x.Slice(1, ^4..)), StringComparison.Ordinal);
        Assert.Contains("2..1 of axis 1 of [2, 3, 2] ends before", Refusal(() => x.Slice(1, 2..1)), StringComparison.Ordinal);
        Assert.Contains("no negative numbers of them: got -1 and 0", Refusal(() => x.Pad(1, -1, 0)), StringComparison.Ordinal);
        Assert.Contains("got 1 and -1", Refusal(() => x.Pad(1, 1, -1)), StringComparison.Ordinal);
        Assert.Contains("is empty", Refusal(() => x.Slice(1, 1..1).Max(1)), StringComparison.Ordinal);
    }

    [Fact]
    public void A_plain_number_takes_the_number_type_of_the_variable_beside_it()
    {
        Variable x = Variable.Leaf(Tensor.From<float>(Backend.Default, [-2, 4], new Shape(2)));
        Assert.Equal([-0.5f, 0.25f], (1 / x).Value.ToArray<float>());
        Assert.Equal([-0.25f, -0.0625f], Gradient.Of((1 / x).Sum(), x).Value.ToArray<float>());
        Assert.Equal([0f, 4f], x.Maximum(0).Value.ToArray<float>());
        Assert.Equal([-2f, 0f], x.Minimum(0).Value.ToArray<float>());
    }

    [Fact]
    public void Messages_name_operations_and_variables_without_their_numbers()
    {
        Variable x = Variable.Constant(s_x), narrow = Variable.Constant(Tensor.From<float>(Backend.Default, [1], new Shape(1)));
        Assert.StartsWith("Divide: input 0", Assert.Throws<DTypeException>(() => x / narrow).Message, StringComparison.Ordinal);
        Assert.Equal("Slice { Axis = 1, Start = 0, Count = 2 }", new Slice(1, 0, 2).ToString());
        Assert.StartsWith(
            "Input 0 (constant Float64 [2, 3, 2] on cpu) is a constant",
            Assert.Throws<ArgumentException>(() => Gradient.Of(x.Sum(), x)).Message, StringComparison.Ordinal);
    }

    private static string Refusal(Func<Variable> f) => Assert.Throws<ShapeException>(f).Message;

    private static Tensor Of(Func<Variable, Variable> f) => f(Variable.Constant(s_x)).Value;

    private static string Text(Tensor x) =>
        string.Join(' ', x.ToString().Split('(')[0].Split((char[])[' ', '\n'], StringSplitOptions.RemoveEmptyEntries))
            .Replace("[ ", "[", StringComparison.Ordinal);
}
