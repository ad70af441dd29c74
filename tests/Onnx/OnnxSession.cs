using InfMatch.Nn;
using InfMatch.Onnx;
using InfMatch.Tensors;
using Microsoft.ML.OnnxRuntime;

namespace InfMatch.Tests.Onnx;

/// <summary>A model in ONNX Runtime.</summary>
internal sealed class OnnxSession : IDisposable
{
    private readonly InferenceSession _session;

    public OnnxSession(byte[] model)
    {
        using var options = new SessionOptions { IntraOpNumThreads = 1, LogSeverityLevel = OrtLoggingLevel.ORT_LOGGING_LEVEL_ERROR };
        _session = new InferenceSession(model, options);
    }

    public static OnnxSession Of(Network network, float[] theta, OnnxDescription? description = null)
    {
        using var file = new MemoryStream();
        OnnxModel.Write(file, network, theta, description);
        return new OnnxSession(file.ToArray());
    }

    public IReadOnlyDictionary<string, string> Texts => _session.ModelMetadata.CustomMetadataMap;

    /// <summary>Names with sizes, a free one by its name.</summary>
    public string Signature => $"{Of(_session.InputMetadata)} -> {Of(_session.OutputMetadata)}";

    /// <summary>Logits [N, M] of images [N, C, H, W].</summary>
    public float[] Run(float[] images, Shape image)
    {
        long[] sizes = [images.Length / image.Count, .. image.Sizes.ToArray().Select(s => (long)s)];
        using OrtValue input = OrtValue.CreateTensorValueFromMemory(images, sizes);
        using var run = new RunOptions();
        using IDisposableReadOnlyCollection<OrtValue> found = _session.Run(
            run, new Dictionary<string, OrtValue>(StringComparer.Ordinal) { [OnnxModel.Input] = input }, [OnnxModel.Output]);
        return found[0].GetTensorDataAsSpan<float>().ToArray();
    }

    /// <summary>Fails unless two lists of logits are equal to 1e-4 of the largest.</summary>
    public static void AssertEqual(float[] expected, float[] found)
    {
        Assert.Equal(expected.Length, found.Length);
        double size = Math.Max(1, expected.Max(Math.Abs));
        for (int i = 0; i < expected.Length; i++)
            Assert.True(Math.Abs(expected[i] - found[i]) <= 1e-4 * size, $"logit {i} is {found[i]}, expected {expected[i]}");
    }

    public void Dispose() => _session.Dispose();

    private static string Of(IReadOnlyDictionary<string, NodeMetadata> values) => string.Join(", ", values.Select(v =>
        $"{v.Key} [{string.Join(", ", v.Value.Dimensions.Select((d, i) => d < 0 ? v.Value.SymbolicDimensions[i] : $"{d}"))}]"));
}
