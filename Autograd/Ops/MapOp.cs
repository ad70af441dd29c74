using InfMatch.Tensors;

namespace InfMatch.Autograd;

/// <summary>
/// A function applied to each element. An operation of this kind is a function, its cotangent and, where they differ
/// from what stands here, the numbers on which it is checked: see Elementwise.cs.
/// </summary>
public abstract record MapOp<TSelf, F> : SingleOutputOp, IOpSamples
    where TSelf : MapOp<TSelf, F>, new() where F : struct, IUnaryFunction
{
    /// <summary>The numbers on which it is checked, drawn for any shape: for example away from a kink, or above
    /// 0.</summary>
    protected virtual SampleInput Domain => new(Shape.Scalar);

    /// <inheritdoc/>
    protected sealed override Shape InferOne(ReadOnlySpan<Shape> inputs)
    {
        ExpectInputs(inputs, 1);
        return inputs[0];
    }

    /// <inheritdoc/>
    protected sealed override void Compute(Backend on, ReadOnlySpan<Tensor> x, Tensor y) => on.Map<F>(x[0], y);

    /// <inheritdoc/>
    public sealed override Variable?[] Vjp(Node at) => [Vjp(at.Inputs[0], at.Outputs[0], at.Cotangent)];

    /// <summary>The cotangent of x, f'(x)·dy, for y = f(x) with the cotangent dy; null where f' is 0
    /// everywhere.</summary>
    protected abstract Variable? Vjp(Variable x, Variable y, Variable dy);

    static IEnumerable<OpSample> IOpSamples.Samples()
    {
        var op = new TSelf();
        return UnarySamples.On(op, op.Domain);
    }

    static IEnumerable<OpError> IOpSamples.Errors() => UnarySamples.TwoInputs(new TSelf());
}

/// <summary>A function applied to each pair of elements of two equal shapes; as
/// <see cref="MapOp{TSelf, F}"/>.</summary>
public abstract record ZipOp<TSelf, F> : SingleOutputOp, IOpSamples
    where TSelf : ZipOp<TSelf, F>, new() where F : struct, IBinaryFunction
{
    /// <summary>As <see cref="OpSample.LinearIn"/>.</summary>
    protected abstract IReadOnlyList<int[]> LinearIn { get; }

    /// <summary>The numbers of a on which it is checked, drawn for any shape.</summary>
    protected virtual SampleInput DomainA => new(Shape.Scalar);

    /// <summary>The numbers of b on which it is checked; away from 0, where a quotient has its pole.</summary>
    protected virtual SampleInput DomainB => new(Shape.Scalar, KinkAt: 0, Margin: 0.4);

    /// <summary>As <see cref="OpSample.Accepts"/>.</summary>
    protected virtual Func<IReadOnlyList<double[]>, bool>? Accepts => null;

    /// <inheritdoc/>
    protected sealed override Shape InferOne(ReadOnlySpan<Shape> inputs)
    {
        ExpectInputs(inputs, 2);
        return inputs[0] == inputs[1]
            ? inputs[0]
            : throw new ShapeException($"{this}: the shapes {inputs[0]} and {inputs[1]} differ. Broadcast one first.");
    }

    /// <inheritdoc/>
    protected sealed override void Compute(Backend on, ReadOnlySpan<Tensor> x, Tensor y) => on.Zip<F>(x[0], x[1], y);

    /// <inheritdoc/>
    public sealed override Variable?[] Vjp(Node at)
    {
        (Variable a, Variable b, Variable y, Variable dy) = (at.Inputs[0], at.Inputs[1], at.Outputs[0], at.Cotangent);
        return [at.Needs(0) ? VjpA(a, b, y, dy) : null, at.Needs(1) ? VjpB(a, b, y, dy) : null];
    }

    /// <summary>The cotangent of a, ∂f/∂a·dy, for y = f(a, b) with the cotangent dy.</summary>
    protected abstract Variable VjpA(Variable a, Variable b, Variable y, Variable dy);

    /// <summary>The cotangent of b, ∂f/∂b·dy, for y = f(a, b) with the cotangent dy.</summary>
    protected abstract Variable VjpB(Variable a, Variable b, Variable y, Variable dy);

    static IEnumerable<OpSample> IOpSamples.Samples()
    {
        var op = new TSelf();
        return PairSamples.On(op, op.DomainA, op.DomainB)
            .Select(sample => sample with { LinearIn = op.LinearIn, Accepts = op.Accepts });
    }

    static IEnumerable<OpError> IOpSamples.Errors() => PairSamples.Unequal(new TSelf());
}
