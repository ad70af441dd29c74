using InfMatch.Autograd;
using InfMatch.Tensors;
using Xunit.Abstractions;

namespace InfMatch.Tests.Autograd;

/// <summary>Hessian-vector and mixed products against each other, against plain numeric differentiation, and against a
/// quadratic whose Hessian is known.</summary>
public sealed class DifferentialTests(ITestOutputHelper output)
{
    private const int Parameters = 54 + 3 + 3 + 3 + 48 + 4;
    private static readonly Shape[] s_shapes =
        [new(3, 2, 3, 3), new(3), new(3), new(3), new(12, 4), new(4)];

    private readonly ReferenceBackend _backend = new();

    [Theory, InlineData("softplus"), InlineData("tanh"), InlineData("gelu")]
    public void Hessian_products_agree_with_differences_of_gradients(string activation)
    {
        (Loss loss, Tensor theta, Tensor[] s, Tensor v) = Network(activation, DType.Float64);
        ParameterLoss field = t => loss(t, [.. s.Select(Variable.Constant)]);
        double[] exact = Differential.Hvp(field, theta, v).ToArray<double>();
        double error = Distance(exact, Differential.HvpByDifferences(field, theta, v).ToArray<double>());
        output.WriteLine($"{activation}: float64 difference {error:G3}");
        Assert.True(Norm(exact) > 0.05 && error < 1e-9);

        // ⟨u, Hv⟩ = d²/da db L(θ + au + bv), from four values of the loss alone.
        Tensor u = Draw(theta.Shape, 77);
        double h = 1e-3, second = 0;
        foreach ((int a, int b) in new[] { (1, 1), (1, -1), (-1, 1), (-1, -1) })
            second += a * b * field(Variable.Constant(Moved(Moved(theta, a * h, u), b * h, v))).Value.ToScalar();
        Assert.Equal(Inner(u.ToArray<double>(), exact), second / (4 * h * h), 1e-4);
    }

    [Fact]
    public void The_gradient_as_a_function_has_gradients_of_its_own()
    {
        // x⁴: 4x³, 12x², 24x, 24, 0.
        Func<Variable, Variable> f = x => x * x * x * x;
        Variable at = Scalar(2);
        foreach (double expected in new[] { 32.0, 48, 48, 24, 0 })
        {
            f = Differential.Grad(f);
            Assert.Equal(expected, f(at).Value.ToScalar(), 1e-12);
        }
        // A vector: ∇ Σ x³ = 3x², and its gradient along v by a function of the gradient.
        Variable v = Variable.Constant(Tensor.From<double>(_backend, [1.0, -1.0], new Shape(2)));
        Variable point = Variable.Constant(Tensor.From<double>(_backend, [1.0, 2.0], new Shape(2)));
        Func<Variable, Variable> slope = Differential.Grad(x => (x * x * x).Sum());
        Assert.Equal([3, 12], slope(point).Value.ToArray<double>());
        Assert.Equal([6, -12], Differential.Grad(x => slope(x).Dot(v))(point).Value.ToArray<double>());
        Assert.Contains(
            "starts at a scalar, got [2]",
            Assert.Throws<ShapeException>(() => Differential.Grad(slope)(point)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void An_inner_gradient_does_not_see_what_an_outer_one_moves()
    {
        // d/dx (x · d/dy (x + y)) = 1; d/dx (x · d/dy (x·y)) at y = x is d/dx x² = 2x.
        Assert.Equal(
            1, Differential.Grad(x => x * Differential.Grad(y => x + y)(Scalar(1)))(Scalar(5)).Value.ToScalar());
        Assert.Equal(10, Differential.Grad(x => x * Differential.Grad(y => x * y)(x))(Scalar(5)).Value.ToScalar());
        // The inner gradient at a point that depends on x: d/dy y² at y = x² is 2x², and d/dx of that is 4x.
        Assert.Equal(12, Differential.Grad(x => Differential.Grad(y => y * y)(x * x))(Scalar(3)).Value.ToScalar());
        // An inner function of the outer variable at a constant: d/dx d/dy (x²·y) = 2x.
        Assert.Equal(
            6, Differential.Grad(x => Differential.Grad(y => x * x * y)(Scalar(7)))(Scalar(3)).Value.ToScalar());
    }

    [Fact]
    public void A_gradient_that_nobody_records_is_a_constant_with_the_same_numbers()
    {
        Func<Variable, Variable> second = Differential.Grad(Differential.Grad(x => (2 * x).Exp()));
        Variable recorded = second(Scalar(0.3)), plain;
        using (Recording.Off())
            plain = second(Scalar(0.3));
        Assert.Equal(recorded.Value.ToScalar(), plain.Value.ToScalar());
        Assert.Equal(4 * Math.Exp(0.6), plain.Value.ToScalar(), 1e-13);
        Assert.True(recorded.RequiresGradient);
        Assert.False(plain.RequiresGradient);
    }

    private Variable Scalar(double x) => Variable.Constant(Tensor.From<double>(_backend, [x], Shape.Scalar));

    [Theory, InlineData("softplus"), InlineData("tanh"), InlineData("gelu")]
    public void The_hessian_is_symmetric(string activation)
    {
        (Loss loss, Tensor theta, Tensor[] s, Tensor v) = Network(activation, DType.Float64);
        Tensor u = Draw(theta.Shape, 77);
        double[] hu = Differential.Hvp(t => loss(t, [.. s.Select(Variable.Constant)]), theta, u).ToArray<double>();
        double[] hv = Differential.Hvp(t => loss(t, [.. s.Select(Variable.Constant)]), theta, v).ToArray<double>();
        double left = Inner(u.ToArray<double>(), hv), right = Inner(v.ToArray<double>(), hu);
        Assert.True(Math.Abs(left) > 1e-2 && Math.Abs(left - right) < 1e-12, $"{left:G17}, {right:G17}");
    }

    [Theory, InlineData("softplus"), InlineData("tanh"), InlineData("gelu")]
    public void Mixed_products_agree_with_differences_and_with_numeric_differentiation(string activation)
    {
        (Loss loss, Tensor theta, Tensor[] s, Tensor v) = Network(activation, DType.Float64);
        double[][] exact = Arrays(MixedProduct.Exact(loss, theta, v, s));
        double[][] differences = Arrays(MixedProduct.ByDifferences(loss, theta, v, s));
        for (int k = 0; k < s.Length; k++)
        {
            var numeric = new double[s[k].Count];
            double[] numbers = s[k].ToArray<double>();
            for (int i = 0; i < numeric.Length; i++)
                numeric[i] = (Slope(numbers, i, 1e-6) - Slope(numbers, i, -1e-6)) / 2e-6;

            // ⟨v, ∇_θ L(θ; S)⟩ with one number of S moved.
            double Slope(double[] at, int i, double h)
            {
                using TensorScope scope = TensorScope.Begin();
                double[] moved = [.. at];
                moved[i] += h;
                Tensor[] other = [.. s];
                other[k] = Tensor.From<double>(_backend, moved, s[k].Shape);
                Tensor gradient = Differential.GradientAt(t => loss(t, [.. other.Select(Variable.Constant)]), theta);
                return Inner(gradient.ToArray<double>(), v.ToArray<double>());
            }
            (double a, double b) = (Distance(exact[k], differences[k]), Distance(exact[k], numeric));
            output.WriteLine($"{activation}, S[{k}]: by differences {a:G3}, numeric {b:G3}");
            Assert.True(Norm(exact[k]) > 1e-2 && a < 1e-9 && b < 2e-8, $"S[{k}]: {a:G3}, {b:G3}");
        }
    }

    [Theory, InlineData("softplus"), InlineData("tanh"), InlineData("gelu")]
    public void Differences_in_float32_keep_the_documented_bound(string activation)
    {
        (Loss loss, Tensor theta, Tensor[] s, Tensor v) = Network(activation, DType.Float64);
        (Loss loss32, Tensor theta32, Tensor[] s32, Tensor v32) = Network(activation, DType.Float32);
        double[] hessian = Differential.Hvp(t => loss(t, [.. s.Select(Variable.Constant)]), theta, v).ToArray<double>();
        double error = Distance(hessian, Differential.HvpByDifferences(
            t => loss32(t, [.. s32.Select(Variable.Constant)]), theta32, v32).ToArray<double>());
        double[][] exact = Arrays(MixedProduct.Exact(loss, theta, v, s));
        double[][] exact32 = Arrays(MixedProduct.Exact(loss32, theta32, v32, s32));
        double[][] differences = Arrays(MixedProduct.ByDifferences(loss32, theta32, v32, s32));
        output.WriteLine($"{activation}: H v {error:G3}");
        Assert.InRange(error, 0, 2e-4);
        for (int k = 0; k < s.Length; k++)
        {
            (double a, double b) = (Distance(exact[k], differences[k]), Distance(exact[k], exact32[k]));
            output.WriteLine($"{activation}, S[{k}]: by differences {a:G3}, exact in float32 {b:G3}");
            Assert.InRange(a, 0, 2e-4);
            Assert.InRange(b, 0, 1e-6);
        }
    }

    [Theory, InlineData("softplus"), InlineData("tanh"), InlineData("gelu")]
    public void The_error_of_a_one_sided_difference_falls_with_its_step_and_keeps_the_documented_bounds(string activation)
    {
        double ErrorIn(DType dtype, double? step, int which)
        {
            (Loss loss, Tensor theta, Tensor[] s, Tensor v) = Network(activation, dtype);
            (Loss loss64, Tensor theta64, Tensor[] s64, Tensor v64) = Network(activation, DType.Float64);
            Tensor[] known = MixedProduct.GradientInS(loss, theta, s);
            return Distance(
                MixedProduct.Exact(loss64, theta64, v64, s64)[which].ToArray<double>(),
                MixedProduct.ByOneSidedDifference(loss, theta, v, s, known, step)[which].ToArray<double>());
        }
        for (int k = 0; k < 2; k++)
        {
            double of64 = ErrorIn(DType.Float64, null, k), of32 = ErrorIn(DType.Float32, null, k);
            output.WriteLine($"{activation}, S[{k}]: {of64:G3} in float64, {of32:G3} in float32");
            Assert.InRange(of64, 1e-9, 1e-4);
            Assert.InRange(of32, 1e-6, 7e-2);
            double ratio = ErrorIn(DType.Float64, 1e-4, k) / ErrorIn(DType.Float64, 1e-5, k);
            Assert.InRange(ratio, 9, 11);
        }
    }

    [Fact]
    public void A_quadratic_has_its_known_hessian_and_mixed_product()
    {
        // L = ½θᵀAθ + θᵀBs: H v = ½(A + Aᵀ)v and M_s = Bᵀv, both to rounding; differences are exact up to rounding.
        double[] a = new TestNumbers(1).Numbers(25), b = new TestNumbers(2).Numbers(15), numbers = new TestNumbers(3).Numbers(5);
        Tensor theta = Draw(new Shape(5), 4), s = Draw(new Shape(3), 5);
        Tensor v = Tensor.From<double>(_backend, numbers, new Shape(5));
        Variable matrixA = Variable.Constant(Tensor.From<double>(_backend, a, new Shape(5, 5)));
        Variable matrixB = Variable.Constant(Tensor.From<double>(_backend, b, new Shape(5, 3)));
        Variable Loss(Variable t, IReadOnlyList<Variable> x)
        {
            Variable row = t.Reshape(new Shape(1, 5));
            return 0.5 * row.MatMul(matrixA).Dot(row) + row.MatMul(matrixB).Dot(x[0].Reshape(new Shape(1, 3)));
        }
        double[] hessian = [.. Enumerable.Range(0, 5).Select(i =>
            Enumerable.Range(0, 5).Sum(j => (a[i * 5 + j] + a[j * 5 + i]) / 2 * numbers[j]))];
        double[] mixed = [.. Enumerable.Range(0, 3).Select(i => Enumerable.Range(0, 5).Sum(j => b[j * 3 + i] * numbers[j]))];
        ParameterLoss field = t => Loss(t, [Variable.Constant(s)]);
        Assert.InRange(Distance(hessian, Differential.Hvp(field, theta, v).ToArray<double>()), 0, 1e-15);
        Assert.InRange(Distance(hessian, Differential.HvpByDifferences(field, theta, v).ToArray<double>()), 0, 1e-10);
        Assert.InRange(Distance(mixed, MixedProduct.Exact(Loss, theta, v, [s])[0].ToArray<double>()), 0, 1e-15);
        Assert.InRange(Distance(mixed, MixedProduct.ByDifferences(Loss, theta, v, [s])[0].ToArray<double>()), 0, 1e-10);
        Tensor[] known = MixedProduct.GradientInS(Loss, theta, [s]);
        Assert.InRange(Distance(mixed, MixedProduct.ByOneSidedDifference(Loss, theta, v, [s], known)[0].ToArray<double>()), 0, 1e-10);
    }

    [Fact]
    public void A_zero_direction_gives_exact_zeros()
    {
        (Loss loss, Tensor theta, Tensor[] s, _) = Network("tanh", DType.Float64);
        Tensor zero = Tensor.Full(_backend, DType.Float64, theta.Shape, 0);
        ParameterLoss field = t => loss(t, [.. s.Select(Variable.Constant)]);
        Assert.All(Differential.Hvp(field, theta, zero).ToArray<double>(), x => Assert.Equal(0, x));
        Assert.All(Differential.HvpByDifferences(field, theta, zero).ToArray<double>(), x => Assert.Equal(0, x));
        Assert.All(Arrays(MixedProduct.ByDifferences(loss, theta, zero, s)).SelectMany(x => x), x => Assert.Equal(0, x));
        Assert.Equal(s.Select(x => x.Shape), MixedProduct.ByDifferences(loss, theta, zero, s).Select(x => x.Shape));
        Tensor[] known = MixedProduct.GradientInS(loss, theta, s);
        Assert.All(Arrays(MixedProduct.ByOneSidedDifference(loss, theta, zero, s, known)).SelectMany(x => x), x => Assert.Equal(0, x));
    }

    [Fact]
    public void The_step_follows_its_rule()
    {
        Tensor theta = Tensor.From<double>(_backend, [3.0, 4.0], new Shape(2));
        Tensor tiny = Tensor.From<double>(_backend, [0.1, 0.0], new Shape(2));
        Tensor v = Tensor.From<double>(_backend, [0.0, 0.5], new Shape(2));
        Assert.Equal(5 * 1e-3 / 0.5, DifferenceStep.Along(theta, v, 1e-3), 1e-15);
        Assert.Equal(1e-3 / 0.5, DifferenceStep.Along(tiny, v, 1e-3), 1e-15);
        Assert.Equal(3.915e-3, DifferenceStep.Default(DType.Float32), 1e-6);
        Assert.Equal(4.79e-6, DifferenceStep.Default(DType.Float64), 1e-8);
        Assert.Throws<ArgumentOutOfRangeException>(() => DifferenceStep.Along(theta, v, 0));
        Assert.Throws<ShapeException>(() => DifferenceStep.Along(theta, Draw(new Shape(3), 1)));
        Assert.Throws<ShapeException>(() => Differential.Hvp(t => t.Sum(), theta, Draw(new Shape(3), 1)));
    }

    [Fact]
    public void Results_own_their_memory_and_nothing_else_is_left()
    {
        (Loss loss, Tensor theta, Tensor[] s, Tensor v) = Network("gelu", DType.Float64);
        int before = _backend.Memory.LiveBuffers;
        ParameterLoss field = t => loss(t, [.. s.Select(Variable.Constant)]);
        Tensor[] kept =
        [
            Differential.Hvp(field, theta, v), Differential.HvpByDifferences(field, theta, v),
            .. MixedProduct.Exact(loss, theta, v, s), .. MixedProduct.ByDifferences(loss, theta, v, s),
            .. Differential.Vjp(x => x[0] + x[1], [theta, v], v), Differential.GradientAt(field, theta),
        ];
        Assert.Equal(before + kept.Length, _backend.Memory.LiveBuffers);
        foreach (Tensor result in kept)
            result.Dispose();
        Assert.Equal(before, _backend.Memory.LiveBuffers);
        Assert.Equal(theta.Count, v.ToArray<double>().Length);
        GC.KeepAlive((theta, s, v));
    }

    [Fact]
    public void They_work_where_recording_is_off_and_in_an_enclosing_scope()
    {
        Tensor theta = Tensor.From<double>(_backend, [2.0], new Shape(1));
        Tensor v = Tensor.From<double>(_backend, [1.0], new Shape(1));
        using (Recording.Off())
        using (TensorScope scope = TensorScope.Begin())
        {
            Tensor product = Differential.Hvp(t => (t * t * t).Sum(), theta, v);
            Assert.Equal(12, product.ToScalar());
            Tensor cotangent = Tensor.Full(_backend, DType.Float64, new Shape(1), 3);
            Assert.Equal(6, Differential.Vjp(x => x[0] * x[1], [theta, theta], cotangent)[0].ToScalar());
        }
        Assert.Equal(2, _backend.Memory.LiveBuffers);
        GC.KeepAlive((theta, v));
    }

    // Convolution, instance norm, activation, pooling, linear layer, cross-entropy with soft labels given by logits:
    // 2 images [2, 5, 5], 4 classes. S is the images and the logits of the labels.
    private (Loss Loss, Tensor Theta, Tensor[] S, Tensor V) Network(string activation, DType dtype)
    {
        Variable Activate(Variable x) => activation switch
        {
            "softplus" => x.Softplus(),
            "tanh" => x.Tanh(),
            _ => x.Gelu(),
        };
        Variable Loss(Variable theta, IReadOnlyList<Variable> s)
        {
            Variable[] p = new Split(s_shapes).Apply(theta);
            Variable x = Activate(s[0].Conv2d(p[0], p[1], padding: 1).InstanceNorm(p[2], p[3], 1e-2)).AvgPool2d(2);
            Variable logits = x.Reshape(new Shape(2, 12)).MatMul(p[4]) + p[5];
            return logits.CrossEntropy(s[1].Softmax());
        }
        return (
            Loss, Draw(new Shape(Parameters), 31, dtype),
            [Draw(new Shape(2, 2, 5, 5), 32, dtype), Draw(new Shape(2, 4), 33, dtype)],
            Draw(new Shape(Parameters), 34, dtype));
    }

    private Tensor Draw(Shape shape, ulong seed, DType dtype = DType.Float64) =>
        Tensor.From(_backend, dtype, new TestNumbers(seed).Numbers(shape.Count), shape);

    private Tensor Moved(Tensor x, double a, Tensor v) => Tensor.From<double>(
        _backend, [.. x.ToArray<double>().Zip(v.ToArray<double>(), (p, q) => p + a * q)], x.Shape);

    private static double[][] Arrays(Tensor[] tensors) => [.. tensors.Select(t => t.ToArray<double>())];

    private static double Inner(double[] a, double[] b) => a.Zip(b, (x, y) => x * y).Sum();

    private static double Norm(double[] a) => Math.Sqrt(Inner(a, a));

    // ‖a − b‖/‖a‖.
    private static double Distance(double[] a, double[] b) => Norm([.. a.Zip(b, (x, y) => x - y)]) / Norm(a);
}
