using InfMatch.Tensors;

namespace InfMatch.Nn;

/// <summary>What several networks have in common.</summary>
internal static class Layers
{
    /// <summary>Tensors of the size of its input that a norm keeps when it is composed of other operations.</summary>
    public const int CopiesOfNorm = 9;

    /// <summary>How much more than usual the first convolution pads: 28×28 images of one channel become 32×32, as in
    /// DC.</summary>
    public static int BorderOf(Shape image) => image == new Shape(1, 28, 28) ? 2 : 0;

    /// <summary>Refuses images for which DC's network is not defined, because its linear layer takes another
    /// size.</summary>
    /// <exception cref="ShapeException">The positions left are not the side expected.</exception>
    public static void Require(string name, Shape image, int height, int width, int side)
    {
        if (height != side || width != side)
        {
            throw new ShapeException(
                $"{name}: images {image} leave {height}×{width} positions before the linear layer, its definition " +
                $"has {side}×{side} (28×28 images of one channel, or 32×32). Choose convnet or mlp.");
        }
    }
}
