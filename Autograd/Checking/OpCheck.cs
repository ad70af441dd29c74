using InfMatch.Tensors;

namespace InfMatch.Autograd;

/// <summary>
/// Compares an operation on a backend with its definition, the float64 reference: what shows on a machine that its
/// device computes right. Tolerances are relative to the largest number expected.
/// </summary>
public static class OpCheck
{
    private const double FloatUnit = 1.1920928955078125e-7, DoubleTolerance = 1e-12;

    /// <summary>The forward pass beside that of the reference.</summary>
    public static OpReport Forward(OpSample sample, Backend backend, DType dtype)
    {
        using TensorScope scope = TensorScope.Begin();
        double[][] numbers = OpCatalogue.Draw(sample);
        double error = Distance(
            Outputs(sample, numbers, new ReferenceBackend(), DType.Float64), Outputs(sample, numbers, backend, dtype));
        return new OpReport(sample.Op, "values", error, Tolerance(dtype, sample.Terms));
    }

    /// <summary>The cotangents of all inputs beside those of the reference.</summary>
    public static OpReport Vjp(OpSample sample, Backend backend, DType dtype)
    {
        using TensorScope scope = TensorScope.Begin();
        double[][] expected = Cotangents(sample, new ReferenceBackend(), DType.Float64);
        double error = Distance(expected, Cotangents(sample, backend, dtype));
        long terms = (long)sample.Inputs.Sum(input => input.Shape.Count) * sample.Terms;
        return new OpReport(sample.Op, "derivatives", error, Tolerance(dtype, terms));
    }

    /// <summary>The adjoint identity ⟨A x, y⟩ = ⟨x, Aᵀ y⟩ in each group of inputs in which the operation is linear: it
    /// needs no second device and no differences. The error is relative to Σ |(A x)_i·y_i|; 0 for what is not
    /// linear.</summary>
    public static OpReport Adjoint(OpSample sample, Backend backend, DType dtype)
    {
        using TensorScope scope = TensorScope.Begin();
        double error = 0;
        foreach (int[] group in sample.LinearIn)
        {
            Variable[] x = Inputs(sample, OpCatalogue.Draw(sample), backend, dtype);
            Variable[] y = sample.Op.Apply(x);
            Variable[] weights = Weights(y);
            Variable[] moved = [.. group.Select(i => x[i])];
            Variable[] pulled = Gradient.Of(Contract(y, weights), moved);
            (double left, double size) = Products(y, weights);
            (double right, double other) = Products(moved, pulled);
            error = Larger(error, Math.Abs(left - right) / Math.Max(1, Math.Max(size, other)));
        }
        double tolerance = dtype == DType.Float64 ? DoubleTolerance : 1e-5;
        return new OpReport(sample.Op, "both sides of ⟨Ax, y⟩ = ⟨x, Aᵀy⟩", error, tolerance);
    }

    /// <summary>First and second derivatives beside central differences in float64, as <see cref="GradCheck"/> takes
    /// them; the error is a share of its tolerance.</summary>
    public static OpReport Derivatives(OpSample sample, Backend backend)
    {
        using TensorScope scope = TensorScope.Begin();
        Tensor[] inputs =
            [.. Inputs(sample, OpCatalogue.Draw(sample), backend, DType.Float64).Select(input => input.Value)];
        var marks = new GradCheckOptions { Differentiable = [.. sample.Inputs.Select(input => input.Differentiable)] };
        double error;
        try
        {
            error = Math.Max(
                GradCheck.FirstOrder(sample.Op, inputs, marks).Ratio, GradCheck.SecondOrder(sample.Op, inputs, marks).Ratio);
        }
        catch (GradCheckException e)
        {
            error = e.Report.Ratio;
        }
        return new OpReport(sample.Op, "first and second derivatives beside differences", error, 1);
    }

    /// <summary>All checks of an operation on a backend, sample by sample: values, derivatives and adjoints in each number
    /// type that it computes in beside the reference, and derivatives beside differences.</summary>
    /// <exception cref="ArgumentException">The type is no operation that implements <see cref="IOpSamples"/>.</exception>
    public static IEnumerable<OpReport> All(Type op, Backend backend)
    {
        if (!op.IsSubclassOf(typeof(Op)) || !OpCatalogue.IsSampled(op))
            throw new ArgumentException($"{op.Name} is no operation with samples: it must implement IOpSamples.", nameof(op));
        foreach (OpSample sample in OpCatalogue.Samples(op))
        {
            foreach (DType dtype in Enum.GetValues<DType>().Where(backend.Computes))
            {
                yield return Forward(sample, backend, dtype);
                yield return Vjp(sample, backend, dtype);
                yield return Adjoint(sample, backend, dtype);
            }
            if (backend.Computes(DType.Float64))
                yield return Derivatives(sample, backend);
        }
    }

    private static double Tolerance(DType dtype, long terms) =>
        dtype == DType.Float64 ? DoubleTolerance : 4 * FloatUnit * Math.Sqrt(terms);

    private static double[][] Outputs(OpSample sample, double[][] numbers, Backend backend, DType dtype)
    {
        Tensor[] inputs = [.. Inputs(sample, numbers, backend, dtype).Select(x => x.Value)];
        Tensor[] outputs = sample.Op.Forward(inputs, sample.Op.Infer([.. sample.Inputs.Select(i => i.Shape)]));
        return [.. outputs.Select(y => y.ToArray<double>())];
    }

    private static double[][] Cotangents(OpSample sample, Backend backend, DType dtype)
    {
        Variable[] x = Inputs(sample, OpCatalogue.Draw(sample), backend, dtype);
        Variable[] y = sample.Op.Apply(x);
        Variable[] asked = [.. x.Where(v => v.RequiresGradient)];
        return [.. Gradient.Of(Contract(y, Weights(y)), asked).Select(g => g.Value.ToArray<double>())];
    }

    private static Variable[] Inputs(OpSample sample, double[][] numbers, Backend backend, DType dtype) =>
    [
        .. sample.Inputs.Select((input, i) =>
        {
            Tensor x = Tensor.From(backend, dtype, numbers[i], input.Shape);
            return input.Differentiable ? Variable.Leaf(x) : Variable.Constant(x);
        }),
    ];

    // Cotangents between −1 and 1 that are exact in float32.
    private static Variable[] Weights(Variable[] outputs) =>
    [
        .. outputs.Select((y, o) =>
        {
            RandomKey key = RandomKey.FromSeed(3).Split((ulong)o);
            double[] numbers =
                [.. Enumerable.Range(0, y.Shape.Count).Select(i => (double)(float)(2 * key.UniformAt(i) - 1))];
            return Variable.Constant(Tensor.From(y.Value.Backend, y.Value.DType, numbers, y.Shape));
        }),
    ];

    private static Variable Contract(Variable[] outputs, Variable[] cotangents) =>
        outputs.Select((y, o) => y.Dot(cotangents[o])).Aggregate((sum, term) => sum + term);

    private static (double Sum, double Size) Products(Variable[] a, Variable[] b)
    {
        double[] products =
        [
            .. a.Zip(b).SelectMany(p =>
                p.First.Value.ToArray<double>().Zip(p.Second.Value.ToArray<double>(), (x, y) => x * y)),
        ];
        return (products.Sum(), products.Sum(Math.Abs));
    }

    private static double Distance(double[][] expected, double[][] found)
    {
        double worst = 0;
        foreach ((double[] e, double[] f) in expected.Zip(found))
        {
            double scale = e.Select(Math.Abs).Append(1).Max();
            for (int i = 0; i < e.Length; i++)
                worst = Larger(worst, Math.Abs(e[i] - f[i]) / scale);
        }
        return worst;
    }

    // NaN counts as infinitely wrong: a comparison would pass over it.
    private static double Larger(double a, double b) => double.IsNaN(b) ? double.PositiveInfinity : Math.Max(a, b);
}

/// <summary>How far an operation on a backend is from its definition.</summary>
/// <param name="Op">The operation with its parameters.</param>
/// <param name="What">What was compared.</param>
/// <param name="Error">The largest difference, relative to the largest number expected.</param>
/// <param name="Tolerance">What rounding explains.</param>
public sealed record OpReport(Op Op, string What, double Error, double Tolerance)
{
    /// <summary>Whether rounding explains the difference.</summary>
    public bool Passed => Error <= Tolerance;

    /// <inheritdoc/>
    public override string ToString() => FormattableString.Invariant(
        $"{(Passed ? "passed" : "FAILED")}: {Op}, {What}: {Error:G2} of {Tolerance:G2}");
}
