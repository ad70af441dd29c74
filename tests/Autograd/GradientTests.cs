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

    // Cotangents that share memory (both sides of a sum, a reshape, parts), of y itself, of something in between, and twice of
    // the same; the one that starts the walk stays the caller's. With a graph nothing is given back on the way.
    [Fact]
    public void What_a_walk_gives_back_is_needed_by_nobody()
    {
        using var scope = TensorScope.Begin();
        Variable x = Vector(6, 0.3), a = x.Tanh(), b = (a + a).Reshape(new Shape(2, 3));
        Variable[] parts = new Split([new Shape(2), new Shape(4)]).Apply(b.Reshape(new Shape(6)) * x);
        Variable y = parts[0].Sum() + parts[1].Exp().Sum() + (b + b).Sum() * a.Sum();
        Variable[] asked = [x, y, a, parts[1], x, b];
        Variable start = Variable.Constant(Tensor.Full(_backend, DType.Float64, Shape.Scalar, 1.5));
        double[][] recorded = Numbers(Gradient.Of(y, asked, start, createGraph: true));
        for (int repeat = 0; repeat < 2; repeat++)
        {
            double[][] found;
            using (var inner = TensorScope.Begin())
                found = Numbers(Gradient.Of(y, asked, start));
            for (int i = 0; i < asked.Length; i++)
                Assert.Equal(recorded[i], found[i]);
        }
        Assert.Equal(1.5, start.Value.ToScalar());
        Assert.True(double.IsFinite(y.Value.ToScalar() + a.Value.ToArray<double>()[0]));
    }

    [Theory]
    [InlineData(5)]
    [InlineData(60)]
    public void A_walk_through_a_long_chain_holds_a_few_vectors_and_its_result(int length)
    {
        const int count = 4096;
        var backend = new ReferenceBackend();
        using var scope = TensorScope.Begin();
        Variable x = Variable.Leaf(Tensor.Full(backend, DType.Float64, new Shape(count), 0.3)), y = x;
        for (int i = 0; i < length; i++)
            y = y.Tanh().Exp() * 0.5;
        y = y.Sum();
        (long held, int buffers) = (backend.Memory.InUse, backend.Memory.LiveBuffers);
        Gradient.Of(y, x);
        Assert.Equal(buffers + 1, backend.Memory.LiveBuffers);
        Assert.InRange(backend.Memory.Peak - held, 1, 6 * 9 * count); // doubles, and what the pool rounds up
    }

    private Variable Vector(int count, double value) =>
        Variable.Leaf(Tensor.Full(_backend, DType.Float64, new Shape(count), value));

    private static double[][] Numbers(Variable[] variables) => [.. variables.Select(v => v.Value.ToArray<double>())];

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
