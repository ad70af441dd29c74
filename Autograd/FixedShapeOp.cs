using InfMatch.Tensors;

namespace InfMatch.Autograd;

/// <summary>An operation whose parameters fix the shapes of its inputs and of its output, such as a pooling with its
/// geometry.</summary>
public abstract record FixedShapeOp : SingleOutputOp
{
    /// <summary>The shapes of the inputs.</summary>
    protected internal abstract Shape[] InputShapes();

    /// <summary>The shape of the output.</summary>
    protected abstract Shape OutputShape();

    /// <inheritdoc/>
    protected sealed override Shape InferOne(ReadOnlySpan<Shape> inputs)
    {
        Shape[] expected = InputShapes();
        ExpectInputs(inputs, expected.Length);
        Expect(this, inputs, expected);
        return OutputShape();
    }

    internal static void Expect(Op op, ReadOnlySpan<Shape> inputs, params ReadOnlySpan<Shape> expected)
    {
        for (int i = 0; i < expected.Length; i++)
        {
            if (inputs[i] != expected[i])
            {
                throw new ShapeException(
                    $"{op.GetType().Name}: {Expected(expected)}, got {List(inputs[..expected.Length])}.");
            }
        }
    }

    internal static string Expected(ReadOnlySpan<Shape> shapes) =>
        shapes.Length == 1 ? $"the input {shapes[0]} was expected" : $"inputs {List(shapes)} were expected";

    private static string List(ReadOnlySpan<Shape> shapes) => string.Join(" and ", shapes.ToArray());
}
