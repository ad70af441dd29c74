using InfMatch.Autograd;
using InfMatch.Tensors;

namespace InfMatch.Nn;

/// <summary>
/// Several small images in the memory of one: an image cut into f×f tiles, each enlarged bilinearly to the full size,
/// as IDC (Kim et al., ICML 2022) and NCFM (CVPR 2025) decode what they store. Pixels are squares whose centres lie at
/// ½, 1½, … (PyTorch's align_corners=False); beyond the outermost centres of a tile its edge is repeated.
/// </summary>
public static class Tiles
{
    /// <summary>Images [N·f², C, H, W] from stored ones [N, C, H, W]: those of an image one behind the other, row by
    /// row. Linear; NaN spreads over its tile.</summary>
    /// <exception cref="ShapeException">f is below 1 or does not divide H and W.</exception>
    public static Variable EnlargeTiles(this Variable images, int factor)
    {
        RequireTiles(images.Shape, factor);
        if (factor == 1)
            return images;
        (int n, int c, int height, int width) = (images.Shape[0], images.Shape[1], images.Shape[2], images.Shape[3]);
        // A matrix on the rows of every plane is a 1×1 convolution that takes rows for channels; one on its columns is
        // a matrix product.
        Variable rows = images.Reshape(new Shape(n * c, height, 1, width))
            .Conv2d(Enlargement(images, height, factor, factor).Reshape(new Shape(factor * height, height, 1, 1)));
        Variable both = rows.Reshape(new Shape(n * c * factor * height, width))
            .MatMul(Enlargement(images, width, factor, factor), transposeB: true);
        return both.Reshape(new Shape(n * c * factor * height * factor, width))
            .GatherRows(TileOrder(n, c, height, factor))
            .Reshape(new Shape(n * factor * factor, c, height, width));
    }

    /// <summary>Some rows [R, C, H, W] of what <see cref="EnlargeTiles(Variable, int)"/> gives, in the order of their numbers, at the
    /// cost of those alone.</summary>
    /// <exception cref="ShapeException">f is below 1 or does not divide H and W.</exception>
    public static Variable EnlargeTiles(this Variable images, int factor, int[] tiles)
    {
        RequireTiles(images.Shape, factor);
        (int c, int height, int width) = (images.Shape[1], images.Shape[2], images.Shape[3]);
        (int tall, int wide) = (height / factor, width / factor);
        Variable small = images.Reshape(new Shape(images.Shape[0] * c * height * factor, wide))
            .GatherRows(LinesOf(tiles, c, tall, factor))
            .Reshape(new Shape(tiles.Length * c, tall, 1, wide));
        return small.Conv2d(Enlargement(images, height, factor, 1).Reshape(new Shape(height, tall, 1, 1)))
            .Reshape(new Shape(tiles.Length * c * height, wide))
            .MatMul(Enlargement(images, width, factor, 1), transposeB: true)
            .Reshape(new Shape(tiles.Length, c, height, width));
    }

    /// <summary>Rows [N·f², …] for the tiles of N images, such as their labels: each row f² times.</summary>
    public static Variable ForEachTile(this Variable rows, int factor) => factor == 1
        ? rows
        : rows.GatherRows([.. Enumerable.Range(0, rows.Shape[0] * factor * factor).Select(i => i / (factor * factor))]);

    /// <summary>The labels q = softmax ℓ [N·f², M] of the tiles of N images, from logits ℓ [N, M] that the tiles of an image share, or
    /// [N, f², M] of its tiles, row by row.</summary>
    /// <exception cref="ShapeException">The logits are neither.</exception>
    public static Variable TileLabels(this Variable logits, int factor)
    {
        Shape shape = logits.Shape;
        if (shape.Rank == 2)
            return logits.LabelRows().ForEachTile(factor);
        return shape.Rank == 3 && shape[1] == factor * factor
            ? logits.LabelRows()
            : throw new ShapeException($"Label logits {shape} are neither of images nor of their {factor}×{factor} tiles.");
    }

    /// <summary>The labels q = softmax ℓ as they are stored, a row for each: [N, M] from logits [N, M] of images, [N·f², M] from those
    /// [N, f², M] of tiles.</summary>
    public static Variable LabelRows(this Variable logits)
    {
        Shape shape = logits.Shape;
        return (shape.Rank == 2 ? logits : logits.Reshape(new Shape(shape.Count / shape[^1], shape[^1]))).Softmax();
    }

    /// <summary>Logits [N, f², M] of tiles from those [N, M] of their images, which all tiles of an image start with.</summary>
    public static Tensor LogitsOfTiles(Tensor logits, int factor)
    {
        (int n, int classes) = (logits.Shape[0], logits.Shape[1]);
        using var scope = TensorScope.Begin();
        using IDisposable off = Recording.Off();
        return scope.Keep(Variable.Constant(logits).ForEachTile(factor)
            .Reshape(new Shape(n, factor * factor, classes)).Value);
    }

    /// <summary>Stored images [N, C, H, W] whose tiles are N·f² images, each shrunk by the mean of its f×f squares:
    /// what a distillation under a factor starts from.</summary>
    /// <exception cref="ShapeException">f does not divide H and W, or f² not the number of images.</exception>
    public static Tensor Pack(Tensor images, int factor)
    {
        RequireTiles(images.Shape, factor);
        int tiles = factor * factor, n = images.Shape[0] / tiles;
        if (n * tiles != images.Shape[0])
            throw new ShapeException($"{images.Shape[0]} images do not fill stored images of {factor}×{factor} tiles.");
        (int c, int height, int width) = (images.Shape[1], images.Shape[2], images.Shape[3]);
        (int tall, int wide) = (height / factor, width / factor);
        using IDisposable off = Recording.Off();
        var order = new int[n * c * height * factor];
        for (int i = 0; i < order.Length; i++)
        {
            int column = i % factor, row = i / factor % height;
            int channel = i / (factor * height) % c, image = i / (factor * height * c);
            order[i] = ((image * tiles + row / tall * factor + column) * c + channel) * tall + row % tall;
        }
        return Variable.Constant(images).AvgPool2d(factor)
            .Reshape(new Shape(n * tiles * c * tall, wide)).GatherRows(order)
            .Reshape(new Shape(n, c, height, width)).Value;
    }

    private static void RequireTiles(Shape images, int factor)
    {
        if (images.Rank != 4 || factor < 1 || images[2] % factor != 0 || images[3] % factor != 0)
            throw new ShapeException($"Images {images} cannot be cut into {factor}×{factor} equal tiles.");
    }

    // [t·L, t·L/f]: what each of t tiles along an axis is enlarged to.
    private static Variable Enlargement(Variable like, int length, int factor, int tiles)
    {
        int tile = length / factor, columns = tiles * tile;
        var values = new double[tiles * length * columns];
        for (int row = 0; row < tiles * length; row++)
        {
            double source = Math.Clamp((row % length + 0.5) / factor - 0.5, 0, tile - 1);
            int first = (int)source, next = Math.Min(first + 1, tile - 1), start = row * columns + row / length * tile;
            values[start + first] += 1 - (source - first);
            values[start + next] += source - first;
        }
        return Variable.Constant(
            Tensor.From(like.Value.Backend, like.Value.DType, values, new Shape(tiles * length, columns)));
    }

    // The lines (tile, c, h) of some tiles among those (n, c, tile row, h, tile column) of stored images.
    private static int[] LinesOf(int[] tiles, int c, int tall, int factor)
    {
        var lines = new int[tiles.Length * c * tall];
        for (int i = 0; i < lines.Length; i++)
        {
            int h = i % tall, channel = i / tall % c, tile = tiles[i / (tall * c)];
            int column = tile % factor, row = tile / factor % factor, image = tile / (factor * factor);
            lines[i] = (((image * c + channel) * factor + row) * tall + h) * factor + column;
        }
        return lines;
    }

    // From lines (n, c, tile row, h, tile column) to lines (n, tile row, tile column, c, h).
    private static int[] TileOrder(int n, int c, int height, int factor)
    {
        var order = new int[n * c * factor * height * factor];
        for (int i = 0; i < order.Length; i++)
        {
            int h = i % height, channel = i / height % c, column = i / (height * c) % factor;
            int row = i / (height * c * factor) % factor, image = i / (height * c * factor * factor);
            order[i] = (((image * c + channel) * factor + row) * height + h) * factor + column;
        }
        return order;
    }
}
