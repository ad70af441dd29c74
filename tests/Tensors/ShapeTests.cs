using InfMatch.Tensors;

namespace InfMatch.Tests.Tensors;

public sealed class ShapeTests
{
    private static Shape S(params int[] sizes) => new(sizes);

    [Fact]
    public void Shapes_are_inferred()
    {
        Assert.Equal(S(4, 3, 5), Shape.Broadcast(S(3, 1), S(4, 1, 5)));
        Assert.Equal(S(2, 5), Shape.MatMul(S(3, 2), true, S(5, 3), true));
        Assert.Equal(S(2, 8, 32, 32), Conv2dGeometry.Infer(S(2, 1, 28, 28), S(8, 1, 3, 3), 1, 3).Output);
        Assert.Equal(S(2, 8, 4, 3), Conv2dGeometry.Infer(S(2, 1, 9, 7), S(8, 1, 3, 3), 2, 0).Output);
        Assert.Equal(S(2, 3, 3, 3), Pool2dGeometry.Infer(S(2, 3, 7, 7), 2).Output);
        Assert.Equal(1, Shape.Scalar.Count);
        Assert.Equal("[50, 3, 32, 32]", S(50, 3, 32, 32).ToString());
        Assert.NotEqual(S(1, 2), S(2));
    }

    public static TheoryData<string, Action> Errors => new()
    {
        { "cannot be negative", () => S(2, -1) },
        { "more than 2^31 - 1", () => S(65536, 65536) },
        { "dimension 1 has 3 on the left and 4", () => Shape.Broadcast(S(2, 3), S(2, 4)) },
        { "cannot be broadcast to [3]", () => Shape.BroadcastTo(S(2, 3), S(3)) },
        { "inner sizes differ", () => Shape.MatMul(S(2, 3), false, S(2, 3), false) },
        { "Reshape them to rank 2", () => Shape.MatMul(S(2, 3, 4), false, S(2, 3), false) },
        {
            "has 3 channels, the weight [8, 1, 3, 3] expects 1",
            () => Conv2dGeometry.Infer(S(2, 3, 8, 8), S(8, 1, 3, 3), 1, 1)
        },
        {
            "smaller than the 3×3 kernel after padding 0",
            () => Conv2dGeometry.Infer(S(2, 3, 2, 2), S(8, 3, 3, 3), 1, 0)
        },
        { "stride 0 must be at least 1", () => Conv2dGeometry.Infer(S(2, 3, 8, 8), S(8, 3, 3, 3), 0, 1) },
        { "takes x [N, C, H, W]", () => Conv2dGeometry.Infer(S(3, 8, 8), S(8, 3, 3, 3), 1, 1) },
        { "does not fit images of 3×3", () => Pool2dGeometry.Infer(S(2, 3, 3, 3), 4) },
        { "Pooling takes x [N, C, H, W]", () => Pool2dGeometry.Infer(S(3, 3), 1) },
        { "cannot be reshaped", () => Tensor.Full(KernelCheck.Reference, DType.Float32, S(2, 3), 0).Reshape(S(5)) },
        { "2 values were given", () => Tensor.From<float>(KernelCheck.Reference, [1f, 2f], S(3)) },
        { "is not a scalar", () => Tensor.Full(KernelCheck.Reference, DType.Float32, S(2), 0).ToScalar() },
    };

    [Theory]
    [MemberData(nameof(Errors))]
    public void Shapes_that_do_not_fit_are_explained(string fragment, Action action) =>
        Assert.Contains(fragment, Assert.Throws<ShapeException>(action).Message, StringComparison.Ordinal);
}
