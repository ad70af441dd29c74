using InfMatch.Influence;
using InfMatch.Nn;
using InfMatch.Tensors;

namespace InfMatch.Distill;

/// <summary>
/// Sets of real images: what distilled sets are compared with, and what they start from. Soft labels are the mean
/// logits of the experts' final networks.
/// </summary>
internal sealed class RealImages(PreparedData data, IReadOnlyList<Expert> experts, double temperature, RandomKey key)
{
    /// <summary>Random real images with their hard labels; each repeat has its own draw.</summary>
    public LabelledImages Random(int ipc, int repeat) => data.SelectLabelled(Draw(ipc, repeat));

    /// <summary>The same images as <see cref="Random"/> with the experts' soft labels.</summary>
    public LabelledImages RandomWithSoftLabels(int ipc, int repeat)
    {
        (Tensor images, int[] _) = data.Select(Draw(ipc, repeat));
        return new SyntheticSet(images, Logits(images), 1).AsTrainingSet();
    }

    /// <summary>
    /// Where a distillation starts. A class with too few images that the experts classify correctly is filled up with
    /// others.
    /// </summary>
    public SyntheticSet Start(int ipc, SetStart start)
    {
        var chosen = new List<int>();
        for (int c = 0; c < data.Classes; c++)
        {
            int count = data.Pair.Train.CountOfClass(c);
            int[] order = [.. key.Split("start").Split((ulong)c).Permutation(count)
                .Select(i => data.Pair.Train.IndicesOfClass(c)[i])];
            chosen.AddRange(start.Images == ImageStart.Correct ? CorrectFirst(order, c, ipc).Take(ipc) : order.Take(ipc));
        }
        (Tensor images, int[] labels) = data.Select([.. chosen]);
        Tensor logits = start.Labels == LabelStart.Experts ? Logits(images) : HardLogits(labels, start.Labels);
        if (start.Images != ImageStart.Noise)
            return new SyntheticSet(images, logits, 1);
        using (images)
            return new SyntheticSet(Noise(images.Shape), logits, 1);
    }

    // The class's logit above the others' 0. 30 is hard: e⁻³⁰ is lost beside 1 in float32. A label that hard has no gradient;
    // one that is to move starts with q = 0.94 of its class, which needs 5 for ten classes.
    private Tensor HardLogits(int[] labels, LabelStart start)
    {
        using Tensor oneHot = LabelledImages.OneHot(data.Backend, DType.Float32, labels, data.Classes);
        return oneHot.Times(start == LabelStart.Hard ? 30 : 5 + Math.Log((data.Classes - 1) / 9.0));
    }

    private Tensor Noise(Shape shape)
    {
        var values = new float[shape.Count];
        key.Split("noise").Normal(values);
        return Tensor.From<float>(data.Backend, values, shape);
    }

    private int[] Draw(int ipc, int repeat) => data.RandomOfEachClass(ipc, key.Split("random").Split((ulong)repeat));

    private IEnumerable<int> CorrectFirst(int[] order, int label, int wanted)
    {
        List<int> correct = [], wrong = [];
        int batch = Math.Max(64, 2 * wanted);
        for (int at = 0; at < order.Length && correct.Count < wanted; at += batch)
        {
            using var scope = TensorScope.Begin();
            int[] part = order[at..Math.Min(order.Length, at + batch)];
            (Tensor images, int[] _) = data.Select(part);
            float[] logits = MeanLogits(images);
            for (int i = 0; i < part.Length; i++)
            {
                ReadOnlySpan<float> row = logits.AsSpan(i * data.Classes, data.Classes);
                (System.Numerics.Tensors.TensorPrimitives.IndexOfMax(row) == label ? correct : wrong).Add(part[i]);
            }
        }
        return correct.Concat(wrong);
    }

    private Tensor Logits(Tensor images)
    {
        float[] logits = MeanLogits(images);
        for (int i = 0; i < logits.Length; i++)
            logits[i] /= (float)temperature;
        return Tensor.From<float>(data.Backend, logits, new Shape(images.Shape[0], data.Classes));
    }

    private float[] MeanLogits(Tensor images)
    {
        var mean = new float[images.Shape[0] * data.Classes];
        foreach (Expert expert in experts)
        {
            using var scope = TensorScope.Begin();
            Tensor theta = expert.Trajectory.Theta(expert.Trajectory.Count - 1, data.Backend, DType.Float32);
            float[] logits = expert.Network.Logits(theta, images);
            for (int i = 0; i < mean.Length; i++)
                mean[i] += logits[i] / experts.Count;
        }
        return mean;
    }
}
