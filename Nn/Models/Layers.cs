using InfMatch.Autograd;
using InfMatch.Tensors;

namespace InfMatch.Nn;

/// <summary>What a ConvNet normalises, always with learned scales and shifts. Batch norm is not among them: its running
/// statistics make what a network computes depend on more than θ.</summary>
public enum Normalisation
{
    /// <summary>Each channel of each image.</summary>
    Instance,

    /// <summary>Nothing.</summary>
    None,

    /// <summary>Each image.</summary>
    Layer,

    /// <summary>Each of four groups of channels of each image.</summary>
    Group,
}

/// <summary>How a ConvNet pools windows of 2×2.</summary>
public enum PoolingKind
{
    /// <summary>Their mean.</summary>
    Average,

    /// <summary>Not at all.</summary>
    None,

    /// <summary>Their largest element.</summary>
    Max,
}

/// <summary>What several networks have in common.</summary>
internal static class Layers
{
    /// <summary>Tensors of the size of its input that a norm keeps when it is composed of other operations.</summary>
    public const int CopiesOfNorm = 9;

    /// <summary>How much more than usual the first convolution pads: 28×28 images of one channel become 32×32, as in DC.</summary>
    public static int BorderOf(Shape image) => image == new Shape(1, 28, 28) ? 2 : 0;

    /// <summary>[N, C, H, W] as [N, C·H·W].</summary>
    public static Variable Flatten(this Variable x) =>
        x.Reshape(new Shape(x.Shape[0], x.Shape.Count / Math.Max(1, x.Shape[0])));

    /// <summary>Refuses images for which DC's network is not defined, because its linear layer takes another size.</summary>
    /// <exception cref="ShapeException">The positions left are not the side expected.</exception>
    public static void Require(string name, Shape image, int height, int width, int side)
    {
        if (height != side || width != side)
        {
            throw new ShapeException(
                $"{name}: images {image} leave {height}×{width} positions before the linear layer, its definition has " +
                $"{side}×{side} (28×28 images of one channel, or 32×32). Choose convnet or mlp.");
        }
    }
}
