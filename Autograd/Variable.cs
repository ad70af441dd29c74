using InfMatch.Tensors;

namespace InfMatch.Autograd;

/// <summary>
/// A tensor that remembers where it came from. Operations on variables are recorded, so that <see cref="Gradient"/>
/// can walk back from a result to what it was made of. Plain numbers are <see cref="Tensor"/>: leaving the graph takes
/// a visible <see cref="Value"/>.
/// </summary>
/// <example>
/// <code>
/// Variable x = Variable.Leaf(Tensor.Of(1, 2, 3));
/// Variable y = (2 * x * x).Sum();
/// Console.WriteLine(y.Value);                 // 28
/// Console.WriteLine(Gradient.Of(y, x).Value); // 4x = [4, 8, 12]
/// </code>
/// </example>
public sealed class Variable
{
    internal Variable(Tensor value, bool requiresGradient, Node? source, bool isUnrecorded = false)
    {
        Value = value;
        RequiresGradient = requiresGradient;
        Source = source;
        IsUnrecorded = isUnrecorded;
    }

    /// <summary>The numbers.</summary>
    public Tensor Value { get; }

    /// <summary>Whether gradients flow to or through this variable.</summary>
    public bool RequiresGradient { get; }

    /// <summary>The sizes of the value's dimensions.</summary>
    public Shape Shape => Value.Shape;

    /// <summary>The use of an operation that it came out of; null for a leaf, a constant, and where recording was off.</summary>
    public Node? Source { get; }

    // Made from a tracked variable while recording was off: a gradient of zero would be wrong, not mathematics.
    internal bool IsUnrecorded { get; }

    /// <summary>A variable to differentiate with respect to.</summary>
    public static Variable Leaf(Tensor value) => new(value, requiresGradient: true, source: null);

    /// <summary>A variable that no gradient reaches.</summary>
    public static Variable Constant(Tensor value) => new(value, requiresGradient: false, source: null);

    /// <summary>A vector of float64 numbers on <see cref="Backend.Default"/> that no gradient reaches.</summary>
    public static Variable Of(params ReadOnlySpan<double> values) => Constant(Tensor.Of(values));

    /// <summary>A float64 number on <see cref="Backend.Default"/> that no gradient reaches.</summary>
    public static Variable FromDouble(double value) => Constant(Tensor.Of(value));

    /// <summary>A float64 number on <see cref="Backend.Default"/> that no gradient reaches, so that a function of a
    /// variable can be called with a number.</summary>
    public static implicit operator Variable(double value) => FromDouble(value);

    /// <summary>The same numbers as a constant, without the graph behind them.</summary>
    public Variable Detach() => Constant(Value);

    /// <summary>a + b, broadcast by NumPy's rules.</summary>
    public static Variable operator +(Variable a, Variable b) => Elementwise(new Add(), a, b);

    /// <summary>a − b, broadcast by NumPy's rules.</summary>
    public static Variable operator -(Variable a, Variable b) => Elementwise(new Subtract(), a, b);

    /// <summary>a·b element by element, broadcast by NumPy's rules.</summary>
    public static Variable operator *(Variable a, Variable b) => Elementwise(new Multiply(), a, b);

    /// <summary>a/b element by element, broadcast by NumPy's rules; ±∞ or NaN where b is 0.</summary>
    public static Variable operator /(Variable a, Variable b) => Elementwise(new Divide(), a, b);

    /// <summary>−a.</summary>
    public static Variable operator -(Variable a) => new Affine(-1, 0).On(a);

    /// <summary>a·c.</summary>
    public static Variable operator *(Variable a, double c) => new Affine(c, 0).On(a);

    /// <summary>c·a.</summary>
    public static Variable operator *(double c, Variable a) => new Affine(c, 0).On(a);

    /// <summary>a/c.</summary>
    public static Variable operator /(Variable a, double c) => new Affine(1 / c, 0).On(a);

    /// <summary>c/a; ±∞ or NaN where a is 0.</summary>
    public static Variable operator /(double c, Variable a) => Elementwise(new Divide(), Like(a, c), a);

    /// <summary>a + c.</summary>
    public static Variable operator +(Variable a, double c) => new Affine(1, c).On(a);

    /// <summary>c + a.</summary>
    public static Variable operator +(double c, Variable a) => new Affine(1, c).On(a);

    /// <summary>a − c.</summary>
    public static Variable operator -(Variable a, double c) => new Affine(1, -c).On(a);

    /// <summary>c − a.</summary>
    public static Variable operator -(double c, Variable a) => new Affine(-1, c).On(a);

    /// <summary>The numbers as in <see cref="Tensor.ToString()"/>, and whether the variable is tracked.</summary>
    public override string ToString() => Value.ToString(Kind);

    /// <summary>Whether it is tracked, number type, shape and device, for messages.</summary>
    internal string Description => $"{Kind} {Value.Description}";

    private string Kind => RequiresGradient ? "tracked" : "constant";

    // A number in the number type and on the device of a variable.
    internal static Variable Like(Variable a, double c) =>
        Constant(Tensor.Full(a.Value.Backend, a.Value.DType, Shape.Scalar, c));

    // Broadcasting is an operation of its own, so its adjoint (a sum) is written once for all of these.
    internal static Variable Elementwise(Op op, Variable a, Variable b)
    {
        Shape shape = Shape.Broadcast(a.Shape, b.Shape);
        return op.On(a.BroadcastTo(shape), b.BroadcastTo(shape));
    }
}
