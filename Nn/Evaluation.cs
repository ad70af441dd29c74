using InfMatch.Autograd;
using InfMatch.Tensors;

namespace InfMatch.Nn;

/// <summary>Losses, gradients and accuracies of a network, in numbers.</summary>
public static class Evaluation
{
    /// <summary>The loss, a scalar, and its gradient with respect to θ [p]; both belong to the current scope, and
    /// nothing waits for a device.</summary>
    public static (Tensor Loss, Tensor Gradient) LossAndGradient(
        this Network network, Tensor theta, Variable images, Variable labels)
    {
        Variable parameters = Variable.Leaf(theta);
        Variable loss = network.Loss(parameters, images, labels);
        return (loss.Value, Gradient.Of(loss, parameters).Value);
    }

    // A batch's values are all alive until its logits are read; a ResNet-18 has so many that 250 images of 32×32 took 4
    // GiB.
    private const int MostAtOnce = 250;
    private const long MostNumbersAtOnce = 1L << 28;

    /// <summary>The images that <see cref="Logits"/> takes together: 250, or fewer where a network's activations
    /// would take more than 1 GiB in float32.</summary>
    public static int ImagesAtOnce(Network network) =>
        (int)Math.Clamp(MostNumbersAtOnce / Math.Max(1, network.ActivationCount), 1, MostAtOnce);

    /// <summary>Logits [N, M] of many images, a batch at a time, of <see cref="ImagesAtOnce"/> where it
    /// is not given, copied to the host.</summary>
    public static float[] Logits(this Network network, Tensor theta, Tensor images, int? imagesAtOnce = null)
    {
        int batchSize = imagesAtOnce ?? ImagesAtOnce(network);
        using IDisposable off = Recording.Off();
        int n = images.Shape[0], row = images.Count / Math.Max(1, n);
        var result = new float[n * network.Classes];
        int[] sizes = images.Shape.Sizes.ToArray();
        for (int start = 0; start < n; start += batchSize)
        {
            using var scope = TensorScope.Begin();
            sizes[0] = Math.Min(batchSize, n - start);
            Variable batch = Variable.Constant(images.View(start * row, new Shape(sizes)));
            Variable logits = network.Forward(Variable.Constant(theta), batch);
            logits.Value.CopyTo(result.AsSpan(start * network.Classes, sizes[0] * network.Classes));
        }
        return result;
    }

    /// <summary>The share of images, 0 … 1, whose largest logit is at their label; ties go to the first class. NaN
    /// without images.</summary>
    /// <exception cref="NumericalException">The largest logit of an image is NaN or infinite: it would pass for a
    /// guess.</exception>
    public static double Accuracy(this Network network, Tensor theta, Tensor images, ReadOnlySpan<int> labels)
    {
        int[] found = network.Predictions(theta, images);
        int right = 0;
        for (int i = 0; i < labels.Length; i++)
            right += found[i] == labels[i] ? 1 : 0;
        return labels.Length == 0 ? double.NaN : (double)right / labels.Length;
    }

    /// <summary>The class of the largest logit of each image, [N]; ties go to the first class.</summary>
    /// <exception cref="NumericalException">The largest logit of an image is NaN or infinite: it would pass for a
    /// guess.</exception>
    public static int[] Predictions(this Network network, Tensor theta, Tensor images)
    {
        float[] logits = network.Logits(theta, images);
        var classes = new int[images.Shape[0]];
        for (int i = 0; i < classes.Length; i++)
        {
            ReadOnlySpan<float> row = logits.AsSpan(i * network.Classes, network.Classes);
            int found = System.Numerics.Tensors.TensorPrimitives.IndexOfMax(row); // a NaN, where there is one
            if (!float.IsFinite(row[found]))
            {
                throw new NumericalException(
                    $"a logit of {network.Name} on test image {i}", row[found],
                    "Lower the learning rate (--eval-rate, --expert-rate).");
            }
            classes[i] = found;
        }
        return classes;
    }
}
