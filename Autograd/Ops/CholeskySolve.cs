using InfMatch.Tensors;

namespace InfMatch.Autograd;

public static partial class Functional
{
    /// <summary>(½(K + Kᵀ) + shift·I)⁻¹·y for K [N, N] and y [N, M]: see <see cref="Autograd.CholeskySolve"/>.</summary>
    public static Variable CholeskySolve(this Variable k, Variable y, double shift = 0) =>
        new CholeskySolve(shift).On(k, y);
}

/// <summary>
/// X [N, M] = (½(K + Kᵀ) + shift·I)⁻¹·Y for K [N, N] whose shifted symmetric part is positive definite, and Y [N, M]; all of
/// X is NaN where it is not. The symmetric part is taken, so that the derivative in each element of K is that of a function of
/// any matrix.
/// </summary>
/// <param name="Shift">What is added to the diagonal.</param>
[Formula("X = (½(K + Kᵀ) + shift·I)⁻¹·Y", "Ȳ = (½(K + Kᵀ) + shift·I)⁻¹·X̄, K̄ = −½(Ȳ·Xᵀ + X·Ȳᵀ)")]
public sealed record CholeskySolve(double Shift = 0) : SingleOutputOp, IOpSamples
{
    /// <inheritdoc/>
    protected override Shape InferOne(ReadOnlySpan<Shape> inputs)
    {
        ExpectInputs(inputs, 2);
        (Shape k, Shape y) = (inputs[0], inputs[1]);
        return k.Rank == 2 && k[0] == k[1] && y.Rank == 2 && y[0] == k[0]
            ? y
            : throw new ShapeException($"CholeskySolve takes a matrix [N, N] and a right side [N, M], got {k} and {y}.");
    }

    /// <inheritdoc/>
    protected override void Compute(Backend on, ReadOnlySpan<Tensor> x, Tensor y) =>
        on.Run(new CholeskySolveCall(x[0], Shift, x[1], y));

    /// <inheritdoc/>
    public override Variable?[] Vjp(Node at)
    {
        Variable x = at.Outputs[0], dy = On(at.Inputs[0], at.Cotangent);
        if (!at.Needs(0))
            return [null, dy];
        Variable product = dy.MatMul(x, transposeB: true), mirrored = x.MatMul(dy, transposeB: true);
        return [-0.5 * (product + mirrored), at.Needs(1) ? dy : null];
    }

    /// <inheritdoc/>
    public static IEnumerable<OpSample> Samples() =>
    [
        new OpSample(new CholeskySolve(), new SampleInput(new Shape(1, 1), 0.5, 2), new Shape(1, 3)) { LinearIn = [[1]] },
        new OpSample(new CholeskySolve(), new Shape(2, 2), new Shape(2, 2))
        {
            LinearIn = [[1]], Terms = 8, Accepts = numbers => IsClearlyPositive(numbers[0]),
        },
        Dominant(5, 1),
        Dominant(19, 2), // no multiple of a vector, and more columns than threads of a small group
        Dominant(2, 0),
        Dominant(0, 2),
    ];

    /// <inheritdoc/>
    public static IEnumerable<OpError> Errors() =>
    [
        new OpError(
            new CholeskySolve(), "takes a matrix [N, N] and a right side [N, M], got [2, 3] and [2, 1]", new Shape(2, 3),
            new Shape(2, 1)),
        new OpError(new CholeskySolve(), "got [2, 2] and [3, 1]", new Shape(2, 2), new Shape(3, 1)),
        new OpError(new CholeskySolve(), "got [2, 2] and [2]", new Shape(2, 2), new Shape(2)),
        new OpError(new CholeskySolve(), "takes 2 inputs, got 1", new Shape(2, 2)),
    ];

    // The rows of K sum to N in size at most, so that the shifted diagonal outweighs them.
    private static OpSample Dominant(int n, int columns) => new(
        new CholeskySolve(n + 1), new SampleInput(new Shape(n, n), -1, 1), new Shape(n, columns))
    {
        LinearIn = [[1]], Terms = Math.Max(1, n),
    };

    // Both eigenvalues of the symmetric part of a matrix [2, 2] are well above 0.
    private static bool IsClearlyPositive(double[] k)
    {
        double between = (k[1] + k[2]) / 2, mean = (k[0] + k[3]) / 2, apart = (k[0] - k[3]) / 2;
        return mean - Math.Sqrt(apart * apart + between * between) > 0.4;
    }
}
