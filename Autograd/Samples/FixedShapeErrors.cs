using InfMatch.Tensors;

namespace InfMatch.Autograd;

/// <summary>What an operation of fixed shapes must refuse: each input of another shape, and one input too
/// few.</summary>
internal static class FixedShapeErrors
{
    public static IEnumerable<OpError> Of(FixedShapeOp op)
    {
        Shape[] expected = op.InputShapes();
        string message = FixedShapeOp.Expected(expected);
        for (int i = 0; i < expected.Length; i++)
        {
            var given = (Shape[])expected.Clone();
            int[] sizes = [.. given[i].Sizes];
            sizes[^1]++;
            given[i] = new Shape(sizes);
            yield return new OpError(op, message, given);
        }
        string count = $"takes {expected.Length} input{(expected.Length == 1 ? "" : "s")}";
        yield return new OpError(op, $"{count}, got {expected.Length - 1}", expected[..^1]);
        yield return new OpError(op, $"{count}, got {expected.Length + 1}", [.. expected, expected[0]]);
    }
}
