using InfMatch.Autograd;
using InfMatch.Tensors;

namespace InfMatch.Onnx;

/// <summary>How an operation of Autograd is said in operators of ONNX; one type for each, found by enumeration, also in assemblies
/// that were added to <see cref="Kinds"/>.</summary>
public abstract class OnnxOperation : IKind
{
    /// <inheritdoc/>
    public abstract string Name { get; }

    /// <summary>Whether it translates an operation.</summary>
    public abstract bool Translates(Op op);

    /// <summary>Adds the operators of one use.</summary>
    /// <returns>The name of the output.</returns>
    /// <exception cref="NotSupportedException">This use cannot be said in ONNX.</exception>
    public abstract string Translate(OnnxApplication at);
}

/// <summary>The translation of one operation.</summary>
/// <typeparam name="T">The operation.</typeparam>
public abstract class OnnxOperation<T> : OnnxOperation
    where T : Op
{
    /// <inheritdoc/>
    public sealed override string Name => typeof(T).Name;

    /// <inheritdoc/>
    public sealed override bool Translates(Op op) => op is T;

    /// <inheritdoc/>
    public sealed override string Translate(OnnxApplication at) => Translate(at, (T)at.Node.Op);

    /// <summary>Adds the operators of one use.</summary>
    /// <param name="at">The use.</param>
    /// <param name="op">The operation.</param>
    /// <returns>The name of the output.</returns>
    protected abstract string Translate(OnnxApplication at, T op);
}

/// <summary>One use of an operation, and the graph that its translation is added to.</summary>
public sealed class OnnxApplication
{
    private readonly Func<Variable, string> _nameOf;
    private readonly Func<Variable, long[]> _sizesOf;

    internal OnnxApplication(OnnxGraph graph, Node node, Func<Variable, string> nameOf, Func<Variable, long[]> sizesOf) =>
        (Graph, Node, _nameOf, _sizesOf) = (graph, node, nameOf, sizesOf);

    /// <summary>What operators are added to.</summary>
    public OnnxGraph Graph { get; }

    /// <summary>The use.</summary>
    public Node Node { get; }

    /// <summary>The name of a variable in the model; what it is made of is translated first.</summary>
    public string NameOf(Variable variable) => _nameOf(variable);

    /// <summary>The sizes of a variable, −1 for the number of images.</summary>
    public long[] SizesOf(Variable variable) => _sizesOf(variable);

    /// <summary>The names of all inputs.</summary>
    public string[] Inputs() => [.. Node.Inputs.Select(NameOf)];

    /// <summary>Adds an operator that takes the inputs as they are.</summary>
    public string Add(string type, params ReadOnlySpan<OnnxAttribute> attributes) => Graph.Add(type, Inputs(), attributes);

    /// <summary>The sizes of the output as a Reshape takes them.</summary>
    /// <exception cref="NotSupportedException">More than one size depends on the number of images.</exception>
    public string OutputSizes()
    {
        long[] sizes = SizesOf(Node.Outputs[0]);
        return sizes.Count(size => size < 0) <= 1
            ? Graph.AddSizes(sizes)
            : throw new NotSupportedException(
                $"{Node.Op} makes a shape of which two sizes depend on the number of images, which ONNX's Reshape cannot say.");
    }
}
