using InfMatch.Autograd;
using InfMatch.Tensors;

namespace InfMatch.Nn;

/// <summary>
/// CutMix (Yun et al., ICCV 2019) as NCFM (CVPR 2025) trains with it: with some probability one box of a batch is
/// replaced by the same box of other images of the batch, and labels are mixed by the shares of the area. Its area is
/// drawn from Beta(1, 1), which is uniform; the box is cut off at the edges of the image.
/// </summary>
public static class CutMix
{
    /// <summary>Where a batch is mixed: rows Top … Bottom − 1 and columns Left … Right − 1.</summary>
    public readonly record struct Box(int Top, int Left, int Bottom, int Right)
    {
        /// <summary>Pixels in the box.</summary>
        public int Area => (Bottom - Top) * (Right - Left);
    }

    /// <summary>The box for a batch of images of a height and width; null where the batch is not mixed.</summary>
    public static Box? BoxOf(RandomKey key, double probability, int height, int width)
    {
        if (key.Split("whether").UniformAt(0) >= probability)
            return null;
        double side = Math.Sqrt(1 - key.Split("share").UniformAt(0));
        int halfHeight = (int)(height * side) / 2, halfWidth = (int)(width * side) / 2;
        int row = key.Split("centre").Below(height, 0), column = key.Split("centre").Below(width, 1);
        return new Box(
            Math.Max(0, row - halfHeight), Math.Max(0, column - halfWidth),
            Math.Min(height, row + halfHeight), Math.Min(width, column + halfWidth));
    }

    /// <summary>The images whose boxes the images of a batch of n get.</summary>
    public static int[] PartnersOf(RandomKey key, int n) => key.Split("partners").Permutation(n);

    /// <summary>A batch whose images [N, C, H, W] and labels [N, M] are mixed, or the batch itself where no box is
    /// drawn; the same key mixes alike. NaN spreads inside a pair of images.</summary>
    public static Batch Apply(Batch batch, double probability, RandomKey key)
    {
        (Variable images, Variable labels) = batch;
        (int height, int width) = (images.Shape[2], images.Shape[3]);
        if (BoxOf(key, probability, height, width) is not { Area: > 0 } box)
            return batch;
        int[] partners = PartnersOf(key, images.Shape[0]);
        var inside = new double[height * width];
        for (int row = box.Top; row < box.Bottom; row++)
            inside.AsSpan(row * width)[box.Left..box.Right].Fill(1);
        Variable mask = Variable.Constant(
            Tensor.From(images.Value.Backend, images.Value.DType, inside, new Shape(1, 1, height, width)));
        double share = (double)box.Area / (height * width);
        return new Batch(
            images * (1 - mask) + images.GatherRows(partners) * mask,
            labels * (1 - share) + labels.GatherRows(partners) * share);
    }
}
