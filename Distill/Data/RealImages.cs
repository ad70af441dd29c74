using InfMatch.Autograd;
using InfMatch.Methods;
using InfMatch.Nn;
using InfMatch.Tensors;

namespace InfMatch.Distill;

/// <summary>
/// Sets of real images: what distilled sets are compared with, and what they start from. Soft labels are the mean
/// logits of the teachers, or of those of them that are right.
/// </summary>
internal sealed class RealImages(PreparedData data, IReadOnlyList<LabelNetwork> teachers, double temperature, RandomKey key)
{
    /// <summary>Whether a label is the mean of the teachers that classify its image right (Guo et al., DATM), and the class where
    /// none does; else of all of them.</summary>
    public bool RightOnly { get; init; }

    /// <summary>Random real images with their hard labels; each repeat has its own draw.</summary>
    public LabelledImages Random(int ipc, int repeat) => data.SelectLabelled(Draw(ipc, repeat));

    /// <summary>The same images as <see cref="Random"/> with the teachers' soft labels.</summary>
    public LabelledImages RandomWithSoftLabels(int ipc, int repeat)
    {
        (Tensor images, int[] labels) = data.Select(Draw(ipc, repeat));
        return new SyntheticSet(images, Logits(images, labels), 1).AsTrainingSet();
    }

    /// <summary>
    /// Where a distillation starts. A class with too few images that the experts classify correctly is filled up with
    /// others.
    /// </summary>
    /// <param name="ipc">Stored images of each class.</param>
    /// <param name="start">What images and labels start as.</param>
    /// <param name="factor">f: f×f shrunk images make a stored one, whose logits are the mean of its tiles' where they share a label.</param>
    /// <param name="note">Called with the classes that had to be filled up.</param>
    public SyntheticSet Start(int ipc, SetStart start, int factor = 1, Action<string>? note = null)
    {
        int wanted = ipc * factor * factor;
        var chosen = new List<int>();
        for (int c = 0; c < data.Classes; c++)
        {
            int count = data.Pair.Train.CountOfClass(c);
            int[] order = [.. key.Split("start").Split((ulong)c).Permutation(count)
                .Select(i => data.Pair.Train.IndicesOfClass(c)[i])];
            if (start.Images == ImageStart.Correct)
            {
                (order, int correct) = CorrectFirst(order, c, wanted);
                if (correct < wanted)
                {
                    note?.Invoke(
                        $"Of class '{data.Pair.Train.ClassNames[c]}' the experts classify {correct} of {count} images correctly: " +
                        $"{wanted - correct} others complete the {wanted} that S starts from.");
                }
            }
            chosen.AddRange(order.Take(wanted));
        }
        (Tensor images, int[] labels) = data.Select([.. chosen]);
        if (factor > 1)
        {
            Tensor unpacked = images;
            using (var scope = TensorScope.Begin())
                images = scope.Keep(Tiles.Pack(unpacked, factor));
            unpacked.Dispose();
        }
        Tensor logits = start.Labels is LabelStart.Experts or LabelStart.Right
            ? TileLogits(images, labels, factor, start.OfTiles, note)
            : HardLogits(ipc, start.Labels, start.OfTiles ? factor : 1);
        if (start.Images != ImageStart.Noise)
            return new SyntheticSet(images, logits, 1) { Factor = factor };
        using (images)
            return new SyntheticSet(Noise(images.Shape), logits, 1) { Factor = factor };
    }

    // The class's logit above the others' 0. 30 is hard: e⁻³⁰ is lost beside 1 in float32. A label that hard has no gradient;
    // one that is to move starts with q = 0.94 of its class, which needs 5 for ten classes.
    private Tensor HardLogits(int ipc, LabelStart start, int factor)
    {
        int[] labels = [.. Enumerable.Range(0, ipc * data.Classes).Select(i => i / ipc)];
        using Tensor oneHot = LabelledImages.OneHot(data.Backend, DType.Float32, labels, data.Classes);
        Tensor logits = oneHot.Times(start == LabelStart.Hard ? 30 : Softened);
        if (factor == 1)
            return logits;
        using (logits)
            return Tiles.LogitsOfTiles(logits, factor);
    }

    private double Softened => 5 + Math.Log((data.Classes - 1) / 9.0);

    private Tensor TileLogits(Tensor images, int[] labels, int factor, bool ofTiles, Action<string>? note)
    {
        if (factor == 1)
            return Logits(images, labels, note);
        using var scope = TensorScope.Begin();
        using IDisposable off = Recording.Off();
        (int n, int tiles) = (images.Shape[0], factor * factor);
        Variable each = Variable.Constant(
            Logits(Variable.Constant(images).EnlargeTiles(factor).Value, labels, note));
        each = each.Reshape(new Shape(n, tiles, data.Classes));
        return scope.Keep(ofTiles
            ? each.Value
            : (each.SumTo(new Shape(n, 1, data.Classes)) / tiles).Reshape(new Shape(n, data.Classes)).Value);
    }

    private Tensor Noise(Shape shape)
    {
        var values = new float[shape.Count];
        key.Split("noise").Normal(values);
        return Tensor.From<float>(data.Backend, values, shape);
    }

    /// <summary>The key of a network's draw, from the key of the run's real images.</summary>
    public static RandomKey DrawKey(RandomKey key, int repeat) => key.Split("random").Split((ulong)repeat);

    private int[] Draw(int ipc, int repeat) => data.RandomOfEachClass(ipc, DrawKey(key, repeat));

    // The correctly classified ones, as many as are wanted or there are, before others; and how many they are.
    private (int[] Order, int Correct) CorrectFirst(int[] order, int label, int wanted)
    {
        List<int> correct = [], wrong = [];
        int batch = Math.Max(64, 2 * wanted);
        for (int at = 0; at < order.Length && correct.Count < wanted; at += batch)
        {
            using var scope = TensorScope.Begin();
            int[] part = order[at..Math.Min(order.Length, at + batch)];
            (Tensor images, int[] labels) = data.Select(part);
            int[] right = [];
            float[] logits = RightOnly ? RightLogits(images, labels, out right) : MeanLogits(images);
            for (int i = 0; i < part.Length; i++)
            {
                bool isRight = RightOnly ? right[i] > 0 : IsRight(logits, i, label);
                (isRight ? correct : wrong).Add(part[i]);
            }
        }
        return ([.. correct, .. wrong], correct.Count);
    }

    private bool IsRight(float[] logits, int image, int label) =>
        System.Numerics.Tensors.TensorPrimitives.IndexOfMax(logits.AsSpan(image * data.Classes, data.Classes)) == label;

    private Tensor Logits(Tensor images, int[] labels, Action<string>? note = null)
    {
        int[] right = [];
        float[] logits = RightOnly ? RightLogits(images, labels, out right) : MeanLogits(images);
        if (right.Count(r => r == 0) is > 0 and int none)
            note?.Invoke($"No network that labels is right on {none} of {right.Length} images: their labels start at the class.");
        for (int i = 0; i < logits.Length; i++)
            logits[i] /= (float)temperature;
        return Tensor.From<float>(data.Backend, logits, new Shape(images.Shape[0], data.Classes));
    }

    private float[] MeanLogits(Tensor images)
    {
        var mean = new float[images.Shape[0] * data.Classes];
        foreach (LabelNetwork teacher in teachers)
        {
            float[] logits = teacher.Logits(images);
            for (int i = 0; i < mean.Length; i++)
                mean[i] += logits[i] / teachers.Count;
        }
        return mean;
    }

    // Also how many teachers are right on each image. Where none is, the class, so that no wrong label is learned from.
    private float[] RightLogits(Tensor images, int[] labels, out int[] right)
    {
        var mean = new float[labels.Length * data.Classes];
        right = new int[labels.Length];
        foreach (LabelNetwork teacher in teachers)
        {
            float[] logits = teacher.Logits(images);
            for (int i = 0; i < labels.Length; i++)
            {
                if (!IsRight(logits, i, labels[i]))
                    continue;
                right[i]++;
                for (int c = i * data.Classes; c < (i + 1) * data.Classes; c++)
                    mean[c] += logits[c];
            }
        }
        for (int i = 0; i < labels.Length; i++)
        {
            for (int c = 0; right[i] > 0 && c < data.Classes; c++)
                mean[i * data.Classes + c] /= right[i];
            if (right[i] == 0)
                mean[i * data.Classes + labels[i]] = (float)(Softened * temperature);
        }
        return mean;
    }
}
