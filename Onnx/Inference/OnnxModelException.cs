using InfMatch.Tensors;

namespace InfMatch.Onnx;

/// <summary>A model of ONNX is damaged, of a version or with an operator that is not read here, or does not fit what it is given; the
/// message names the file, the node, what was found, what was expected, and the likely fix.</summary>
public sealed class OnnxModelException : FormatException
{
    /// <summary>Describes what is wrong.</summary>
    /// <param name="place">The file, or the node in it.</param>
    /// <param name="problem">A sentence or more.</param>
    /// <param name="innerException">What told of it.</param>
    public OnnxModelException(string place, string problem, Exception? innerException = null)
        : base(PrintableText.Of($"{place}: {problem}"), innerException)
    {
    }
}
