using InfMatch.Influence;
using InfMatch.Methods;
using InfMatch.Tensors;

namespace InfMatch.Distill;

/// <summary>Random images of D with noise on pixels and wrong labels, more of both from one candidate to the next: sets from good to
/// useless.</summary>
internal static class CandidateSet
{
    private const double LabelSharpness = 10, MostNoise = 1.5;

    /// <summary>The candidate of a number.</summary>
    public static SyntheticSet Draw(FidelitySettings settings, RecordedCase recorded, int number)
    {
        RandomKey key = recorded.Key.Split("candidate").Split((ulong)number);
        int classes = recorded.Classes, count = settings.CandidateIpc * classes;
        double spoilt = settings.Candidates < 2 ? 0 : (double)number / (settings.Candidates - 1);
        int[] rows = key.Split("images").Permutation(settings.Examples)[..count];
        Tensor images = recorded.Data.Rows(rows).Images;
        var noise = new double[images.Count];
        key.Split("noise").Normal(noise);
        var logits = new double[count * classes];
        for (int i = 0; i < count; i++)
        {
            bool isWrong = key.Split("wrong").UniformAt(i) < spoilt * key.Split("share").UniformAt(0);
            int label = isWrong ? key.Split("label").Below(classes, i) : recorded.Given[rows[i]];
            logits[i * classes + label] = LabelSharpness;
        }
        return new SyntheticSet(
            TensorAlgebra.Axpy(
                spoilt * MostNoise * key.Split("noise share").UniformAt(0),
                Tensor.From(recorded.Backend, images.DType, noise, images.Shape), images),
            Tensor.From(recorded.Backend, images.DType, logits, new Shape(count, classes)), 1);
    }
}
