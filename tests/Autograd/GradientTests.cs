using InfMatch.Autograd;
using InfMatch.Tensors;

namespace InfMatch.Tests.Autograd;

public sealed class GradientTests
{
    private readonly ReferenceBackend _backend = new();

    [Fact]
    public void A_constant_has_no_gradient_and_says_so()
    {
        Variable x = Leaf(2), c = Variable.Constant(x.Value);
        ArgumentException thrown = Assert.Throws<ArgumentException>(() => Gradient.Of(x * c, [x, c]));
        Assert.Contains("Input 1", thrown.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_result_made_while_nothing_was_recorded_is_refused_and_a_constant_is_not()
    {
        Variable x = Leaf(2), y, late;
        using (Recording.Off())
            y = x.Exp();
        late = y * 3;
        foreach (Variable cut in (Variable[])[y, late])
        {
            ArgumentException thrown = Assert.Throws<ArgumentException>(() => Gradient.Of(cut, x));
            Assert.Contains("inside Recording.Off", thrown.Message, StringComparison.Ordinal);
        }
        Assert.Equal(0, Gradient.Of(y.Detach(), x).Value.ToScalar());
        Assert.Equal(3 * y.Value.ToScalar(), Gradient.Of(late * x, x).Value.ToScalar(), 1e-13);
        // The gradient of a linear function does not depend on x: zeros by mathematics.
        Variable slope = Gradient.Of(3 * x, x, createGraph: true);
        Assert.Equal(0, Gradient.Of(slope, x).Value.ToScalar());
    }

    [Fact]
    public void What_y_does_not_depend_on_gets_zeros() =>
        Assert.Equal(0, Gradient.Of(Leaf(2).Exp(), Leaf(3)).Value.ToScalar());

    [Fact]
    public void Both_paths_to_a_variable_are_added()
    {
        Variable x = Leaf(3), square = x * x;
        Assert.Equal([7, 1], Gradient.Of(square + x, [x, square]).Select(g => g.Value.ToScalar()));
    }

    [Fact]
    public void The_third_derivative_is_right()
    {
        Variable x = Leaf(0.7), g = x.Tanh();
        for (int order = 0; order < 3; order++)
            g = Gradient.Of(g, x, createGraph: true);
        double t = Math.Tanh(0.7), s = 1 - t * t;
        Assert.Equal(s * (6 * t * t - 2), g.Value.ToScalar(), 1e-13);
    }

    [Fact]
    public void Without_a_graph_a_tracked_cotangent_is_cut_off()
    {
        Variable x = Leaf(2), v = Leaf(5);
        Assert.False(Gradient.Of(x + 1, x, v).RequiresGradient);
        Assert.True(Gradient.Of(x + 1, x, v, createGraph: true).RequiresGradient);
    }

    [Fact]
    public void A_vector_needs_a_cotangent_of_its_shape()
    {
        Variable x = Variable.Leaf(Tensor.Full(_backend, DType.Float64, new Shape(3), 1));
        Assert.Throws<ShapeException>(() => Gradient.Of(x.Exp(), x));
        Assert.Throws<ShapeException>(() => Gradient.Of(x.Exp(), x, Leaf(1)));
    }

    [Fact]
    public void Number_types_and_backends_do_not_mix()
    {
        Variable x = Leaf(1), single = Variable.Leaf(Tensor.Full(_backend, DType.Float32, Shape.Scalar, 1));
        Assert.Throws<DTypeException>(() => x + single);
        var elsewhere = Variable.Leaf(Tensor.Full(new ReferenceBackend(), DType.Float64, Shape.Scalar, 1));
        Assert.Throws<DeviceException>(() => x + elsewhere);
    }

    [Fact]
    public void The_transforms_of_an_affine_sample_have_no_gradient_and_say_so()
    {
        Variable images = Variable.Leaf(Tensor.Full(_backend, DType.Float64, new Shape(1, 1, 2, 2), 1));
        Variable transforms = Variable.Leaf(Tensor.Full(_backend, DType.Float64, new Shape(1, 6), 1));
        Variable y = images.AffineSample(transforms).Sum();
        Assert.Throws<InvalidOperationException>(() => Gradient.Of(y, transforms));
        Assert.Equal(images.Shape, Gradient.Of(y, images).Shape);
    }

    [Fact]
    public void Off_records_nothing_and_ends_with_its_scope()
    {
        Variable x = Leaf(1);
        using (Recording.Off())
        {
            Assert.False(x.Exp().RequiresGradient);
            using (Recording.On())
                Assert.True(x.Exp().RequiresGradient);
            Assert.False(Recording.IsOn);
        }
        Assert.True(x.Exp().RequiresGradient);
    }

    [Fact]
    public void Operations_keep_their_own_copy_of_a_list()
    {
        int[] rows = [0, 1];
        var gather = new GatherRows(rows);
        rows[0] = 9;
        Assert.Equal([0, 1], gather.Indices);
        Assert.Equal("GatherRows { rows 0, 1 }", gather.ToString());
        Assert.Equal("Split { [2], [] }", new Split([new Shape(2), Shape.Scalar]).ToString());
    }

    private Variable Leaf(double value) => Variable.Leaf(Tensor.Full(_backend, DType.Float64, Shape.Scalar, value));
}
