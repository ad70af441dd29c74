using InfMatch.Tensors;

namespace InfMatch.Autograd;

/// <summary>Samples of an operation on each element of one input; <see cref="MapOp{TSelf, F}"/> has them already.</summary>
public static class UnarySamples
{
    /// <summary>Inputs that are a scalar, nothing at all, a matrix, and of a length that is a multiple of no vector
    /// register.</summary>
    public static IEnumerable<OpSample> On(Op op, SampleInput domain) =>
        new[] { Shape.Scalar, new Shape(0), new Shape(2, 3), new Shape(37) }
            .Select(shape => new OpSample(op, domain with { Shape = shape }));

    /// <summary>What each such operation must refuse: a second input.</summary>
    public static IEnumerable<OpError> TwoInputs(Op op) =>
        [new OpError(op, "takes 1 input, got 2", new Shape(2), new Shape(2))];
}

/// <summary>Samples of an operation on each pair of elements; <see cref="ZipOp{TSelf, F}"/> has them already.</summary>
public static class PairSamples
{
    /// <summary>Pairs of scalars, of nothing at all, of matrices, and of a length that is a multiple of no vector
    /// register.</summary>
    public static IEnumerable<OpSample> On(Op op, SampleInput domainA, SampleInput domainB) =>
        new[] { Shape.Scalar, new Shape(0, 3), new Shape(2, 3), new Shape(19) }.Select(shape =>
            new OpSample(op, domainA with { Shape = shape }, domainB with { Shape = shape }));

    /// <summary>What each such operation must refuse: two shapes, and one input alone.</summary>
    public static IEnumerable<OpError> Unequal(Op op) =>
    [
        new OpError(op, "the shapes [2, 3] and [3] differ", new Shape(2, 3), new Shape(3)),
        new OpError(op, "takes 2 inputs, got 1", new Shape(2)),
    ];
}
