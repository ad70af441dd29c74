namespace InfMatch.Onnx;

/// <summary>
/// Normalisation by stored statistics, taken into the convolution before it: s·(W∗x + b − mean) + shift = (sW)∗x + (s(b − mean) + shift)
/// with s = scale/√(variance + ε), for each channel of the result. One pass over an image less, and one more in its derivative.
/// </summary>
internal static class FoldedNormalization
{
    /// <summary>The same model, in which a convolution that only a normalisation reads is both. Other models stay as they are, and so do
    /// uses that an operator is to refuse.</summary>
    public static (List<OnnxNode> Nodes, List<OnnxTensor> Tensors) Of(OnnxFile file)
    {
        (List<OnnxNode> nodes, List<OnnxTensor> tensors) = ([.. file.Nodes], [.. file.Tensors]);
        ILookup<string, OnnxTensor> stored = tensors.ToLookup(t => t.Name, StringComparer.Ordinal);
        ILookup<string, OnnxNode> readers = nodes.SelectMany(n => n.Inputs.Select(name => (name, n)))
            .ToLookup(r => r.name, r => r.n, StringComparer.Ordinal);
        for (int i = 0; i < nodes.Count; i++)
        {
            if (nodes[i] is not { Operator: "Conv", Inputs.Length: 2 or 3, Outputs: [var between] } convolution
                || file.Outputs.Contains(between, StringComparer.Ordinal)
                || readers[between].ToArray() is not [{ Operator: "BatchNormalization", Inputs.Length: 5, Outputs.Length: 1 } norm]
                || norm.Inputs[0] != between
                || Fold(convolution, norm, name => stored[name].ToArray() is [{ Numbers: not null } tensor] ? tensor : null)
                    is not { } folded)
            {
                continue;
            }
            string weights = between + ", normalised", bias = weights + ", bias";
            tensors.Add(folded.Weights with { Name = weights });
            tensors.Add(folded.Bias with { Name = bias });
            nodes[i] = convolution with { Inputs = [convolution.Inputs[0], weights, bias], Outputs = norm.Outputs };
            nodes.Remove(norm);
        }
        return (nodes, tensors);
    }

    private static (OnnxTensor Weights, OnnxTensor Bias)? Fold(OnnxNode convolution, OnnxNode norm, Func<string, OnnxTensor?> stored)
    {
        if (stored(convolution.Inputs[1]) is not { Sizes: [int channels, ..] } weights || channels < 1
            || Array.ConvertAll(norm.Inputs[1..], name => stored(name)) is not [{ } scale, { } shift, { } mean, { } variance]
            || Array.Exists([scale, shift, mean, variance], t => t.Numbers!.Length != channels)
            || norm.Settings.Any(s => s.Name is not ("epsilon" or "momentum") && !IsUsual(s)))
        {
            return null;
        }
        bool isBiased = convolution.Inputs is [_, _, { Length: > 0 }];
        OnnxTensor? bias = isBiased ? stored(convolution.Inputs[2]) : null;
        if (isBiased && bias?.Numbers?.Length != channels)
            return null;
        double epsilon = Array.Find(norm.Settings, s => s.Name == "epsilon")?.Number ?? 1e-5f;
        float[] w = [.. weights.Numbers!], b = new float[channels];
        int each = w.Length / channels;
        for (int c = 0; c < channels; c++)
        {
            double s = scale.Numbers![c] / Math.Sqrt(variance.Numbers![c] + epsilon);
            for (int j = c * each; j < (c + 1) * each; j++)
                w[j] = (float)(w[j] * s);
            b[c] = (float)(((bias?.Numbers![c] ?? 0) - mean.Numbers![c]) * s + shift.Numbers![c]);
        }
        return (weights with { Numbers = w }, new OnnxTensor("", [channels], b, null));
    }

    private static bool IsUsual(OnnxSetting setting) => (setting.Name, setting.Whole) is ("spatial", 1) or ("training_mode", 0);
}
