using InfMatch.Tensors;

namespace InfMatch.Autograd;

/// <summary>
/// Compares derivatives with central differences in float64. The first order shows that a VJP is the derivative of its
/// forward pass; only the second order, the derivative of (x, v) ↦ J(x)ᵀv, shows that the VJP stays in the graph, as
/// a Hessian-vector product needs. Check points at least 0.1 away from kinks.
/// </summary>
/// <remarks>The scheme of PyTorch's gradcheck with tighter tolerances. NaN on either side fails.</remarks>
public static class GradCheck
{
    private delegate IReadOnlyList<Variable> Map(IReadOnlyList<Variable> inputs);

    /// <summary>Checks the VJP of a function of float64 inputs of any shapes.</summary>
    /// <returns>The comparison that came closest to failing.</returns>
    /// <exception cref="GradCheckException">A derivative is wrong.</exception>
    /// <exception cref="DTypeException">An input is not float64.</exception>
    /// <exception cref="ArgumentException">No input is to be differentiated.</exception>
    public static GradCheckReport FirstOrder(
        Func<IReadOnlyList<Variable>, Variable> function, IReadOnlyList<Tensor> inputs,
        GradCheckOptions? options = null) =>
        First(x => [function(x)], "the function", inputs, options ?? new GradCheckOptions());

    /// <summary>Checks the VJP of an operation at float64 inputs.</summary>
    /// <inheritdoc
    /// cref="FirstOrder(Func{IReadOnlyList{Variable}, Variable}, IReadOnlyList{Tensor}, GradCheckOptions?)"/>
    public static GradCheckReport FirstOrder(Op op, IReadOnlyList<Tensor> inputs, GradCheckOptions? options = null) =>
        First(x => op.Apply([.. x]), op.ToString(), inputs, options ?? new GradCheckOptions());

    /// <summary>Checks the derivative of the VJP, in the inputs and in the cotangent, of a function of float64
    /// inputs.</summary>
    /// <inheritdoc
    /// cref="FirstOrder(Func{IReadOnlyList{Variable}, Variable}, IReadOnlyList{Tensor}, GradCheckOptions?)"/>
    public static GradCheckReport SecondOrder(
        Func<IReadOnlyList<Variable>, Variable> function, IReadOnlyList<Tensor> inputs,
        GradCheckOptions? options = null) =>
        Second(x => [function(x)], "the function", inputs, options ?? new GradCheckOptions());

    /// <summary>Checks the derivative of the VJP, in the inputs and in the cotangents, of an operation.</summary>
    /// <inheritdoc
    /// cref="FirstOrder(Func{IReadOnlyList{Variable}, Variable}, IReadOnlyList{Tensor}, GradCheckOptions?)"/>
    public static GradCheckReport SecondOrder(Op op, IReadOnlyList<Tensor> inputs, GradCheckOptions? options = null) =>
        Second(x => op.Apply([.. x]), op.ToString(), inputs, options ?? new GradCheckOptions());

    private static GradCheckReport First(
        Map map, string subject, IReadOnlyList<Tensor> inputs, GradCheckOptions options)
    {
        bool[] wanted = Wanted(inputs, options);
        return Check(map, new GradCheckReport(subject, 1), inputs, wanted, options);
    }

    private static GradCheckReport Second(
        Map map, string subject, IReadOnlyList<Tensor> inputs, GradCheckOptions options)
    {
        using TensorScope scope = TensorScope.Begin();
        bool[] wanted = Wanted(inputs, options);
        int n = inputs.Count;
        Shape[] outputs = [.. map([.. inputs.Select(Variable.Constant)]).Select(y => y.Shape)];
        Tensor[] cotangents =
        [
            .. outputs.Select((shape, o) => Tensor.From<double>(
                inputs[0].Backend, Numbers(shape.Count, options.Seed, stream: 1000 + o), shape)),
        ];

        // (x, v) ↦ J(x)ᵀv, linear in v: one more input for each output, one output for each input asked for.
        IReadOnlyList<Variable> Pullback(IReadOnlyList<Variable> xv)
        {
            IReadOnlyList<Variable> results = map([.. xv.Take(n)]);
            Variable[] asked = [.. xv.Take(n).Where((_, i) => wanted[i])];
            return Gradient.Of(Contract(results, [.. xv.Skip(n)]), asked, createGraph: true);
        }
        return Check(
            Pullback, new GradCheckReport(subject, 2), [.. inputs, .. cotangents],
            [.. wanted, .. outputs.Select(_ => true)], options);
    }

    private static bool[] Wanted(IReadOnlyList<Tensor> inputs, GradCheckOptions options)
    {
        foreach (Tensor input in inputs)
        {
            if (input.DType != DType.Float64)
                throw new DTypeException($"Derivatives are checked in Float64, got {input.Description}. Convert it.");
        }
        bool[] wanted = options.Differentiable is { } given ? [.. given] : [.. inputs.Select(_ => true)];
        return wanted.Length == inputs.Count && wanted.Contains(true)
            ? wanted
            : throw new ArgumentException(
                $"{inputs.Count} inputs were given with {wanted.Length} marks, {wanted.Count(w => w)} of them true. " +
                "Mark each input, and at least one as differentiable.", nameof(options));
    }

    private static GradCheckReport Check(
        Map map, GradCheckReport report, IReadOnlyList<Tensor> inputs, bool[] wanted, GradCheckOptions options)
    {
        using TensorScope scope = TensorScope.Begin();
        using IDisposable recording = Recording.On();
        var point = new Point(map, inputs, wanted);
        Variable[] leaves = point.Leaves();
        IReadOnlyList<Variable> outputs = map(leaves);
        double[][] weights = [.. outputs.Select((y, o) => Numbers(y.Shape.Count, options.Seed, stream: o))];
        Variable[] constants =
            [.. outputs.Select((y, o) => Variable.Constant(Tensor.From<double>(y.Value.Backend, weights[o], y.Shape)))];
        Variable[] asked = [.. leaves.Where((_, i) => wanted[i])];
        double[][] analytic =
            [.. Gradient.Of(Contract(outputs, constants), asked).Select(g => g.Value.ToArray<double>())];

        for (int input = 0, a = 0; input < inputs.Count; input++)
        {
            if (!wanted[input])
                continue;
            double[] gradient = analytic[a++];
            if (options.OneDirection)
            {
                double[] direction = Numbers(gradient.Length, options.Seed, stream: 2000 + input);
                double slope = gradient.Zip(direction, (g, d) => g * d).Sum();
                double numeric = point.Slope(input, direction, weights, options.Step);
                report = report.With(input, -1, slope, numeric, options);
                continue;
            }
            for (int element = 0; element < gradient.Length; element++)
            {
                var direction = new double[gradient.Length];
                direction[element] = 1;
                double numeric = point.Slope(input, direction, weights, options.Step);
                report = report.With(input, element, gradient[element], numeric, options);
            }
        }
        return report.Ratio <= 1 ? report : throw new GradCheckException(report);
    }

    private static Variable Contract(IReadOnlyList<Variable> outputs, IReadOnlyList<Variable> cotangents) =>
        outputs.Select((y, o) => y.Dot(cotangents[o])).Aggregate((sum, term) => sum + term);

    // Numbers in [−1, 1) that depend on nothing but their place.
    private static double[] Numbers(int count, ulong seed, int stream)
    {
        RandomKey key = RandomKey.FromSeed(seed).Split((ulong)stream);
        return [.. Enumerable.Range(0, count).Select(i => 2 * key.UniformAt(i) - 1)];
    }

    // Where a function is looked at. Every evaluation has its own inputs and its outputs are copied to the host: an
    // output may be the very memory of an input.
    private sealed class Point(Map map, IReadOnlyList<Tensor> inputs, bool[] wanted)
    {
        private readonly double[][] _values = [.. inputs.Select(x => x.ToArray<double>())];

        public Variable[] Leaves() => [.. _values.Select((v, i) =>
        {
            Tensor copy = Tensor.From<double>(inputs[i].Backend, v, inputs[i].Shape);
            return wanted[i] ? Variable.Leaf(copy) : Variable.Constant(copy);
        })];

        // (⟨c, f(x + h·d)⟩ − ⟨c, f(x − h·d)⟩)/2h, with h scaled to the largest number that moves.
        public double Slope(int input, double[] direction, double[][] weights, double step)
        {
            double[] at = _values[input];
            double h = step * at.Where((_, i) => direction[i] != 0).Select(Math.Abs).Append(1).Max();
            double[][] up = Outputs(input, [.. at.Select((x, i) => x + h * direction[i])]);
            double[][] down = Outputs(input, [.. at.Select((x, i) => x - h * direction[i])]);
            double difference = 0;
            for (int o = 0; o < up.Length; o++)
            {
                for (int i = 0; i < up[o].Length; i++)
                    difference += weights[o][i] * (up[o][i] - down[o][i]);
            }
            return difference / (2 * h);
        }

        private double[][] Outputs(int input, double[] moved)
        {
            using TensorScope scope = TensorScope.Begin();
            double[] before = _values[input];
            _values[input] = moved;
            try
            {
                return [.. map(Leaves()).Select(y => y.Value.ToArray<double>())];
            }
            finally
            {
                _values[input] = before;
            }
        }
    }
}
