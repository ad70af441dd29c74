using InfMatch.Autograd;
using InfMatch.Tensors;

namespace InfMatch.Onnx;

/// <summary>An operator of ONNX as this program computes it; one type for each, found by enumeration, also in assemblies that were
/// added to <see cref="Kinds"/>.</summary>
public abstract class OnnxOperator : IKind
{
    /// <summary>Its name in ONNX, such as "Conv".</summary>
    public abstract string Name { get; }

    /// <summary>Computes the outputs.</summary>
    /// <exception cref="OnnxModelException">This use of it is not one that is computed here.</exception>
    public abstract OnnxValue[] Run(OnnxUse use);
}

/// <summary>One use of an operator: its inputs and settings.</summary>
public sealed class OnnxUse
{
    private readonly OnnxNode _node;
    private readonly string _place;
    private readonly OnnxValue?[] _inputs;

    internal OnnxUse(OnnxNode node, string place, int version, OnnxValue?[] inputs, (Backend Backend, DType DType) on) =>
        (_node, _place, Version, _inputs, Backend, DType) = (node, place, version, inputs, on.Backend, on.DType);

    /// <summary>The version of the operators that the model uses.</summary>
    public int Version { get; }

    /// <summary>Where numbers are computed.</summary>
    public Backend Backend { get; }

    /// <summary>The type of numbers that are not whole.</summary>
    public DType DType { get; }

    /// <summary>How many inputs are named.</summary>
    public int InputCount => _inputs.Length;

    /// <summary>How many outputs are named.</summary>
    public int OutputCount => _node.Outputs.Length;

    /// <summary>Whether an input is given.</summary>
    public bool Has(int input) => input < _inputs.Length && _inputs[input] is not null;

    /// <summary>An input.</summary>
    /// <exception cref="OnnxModelException">It is not given.</exception>
    public OnnxValue Input(int input) => Has(input) ? _inputs[input]! : throw Fail($"input {input} is missing");

    /// <summary>An input of numbers.</summary>
    /// <exception cref="OnnxModelException">It is not given, or has whole numbers.</exception>
    public Variable Numbers(int input) => Input(input) is { IsWhole: false } value
        ? value.Numbers
        : throw Fail($"input {input} has whole numbers, float32 was expected");

    /// <summary>An input of whole numbers.</summary>
    /// <exception cref="OnnxModelException">It is not given, or has other numbers.</exception>
    public long[] Whole(int input) => Input(input) is { IsWhole: true } value
        ? value.Whole.ToArray()
        : throw Fail($"input {input} is float32, whole numbers were expected");

    /// <summary>A whole number among the settings.</summary>
    public long Setting(string name, long otherwise) => Find(name)?.Whole ?? otherwise;

    /// <summary>A number among the settings.</summary>
    public float Setting(string name, float otherwise) => Find(name)?.Number ?? otherwise;

    /// <summary>A text among the settings.</summary>
    public string Setting(string name, string otherwise) => Find(name)?.Text ?? otherwise;

    /// <summary>A list among the settings; null where it is not given.</summary>
    public long[]? List(string name) => Find(name)?.List;

    /// <summary>A tensor among the settings.</summary>
    /// <exception cref="OnnxModelException">It is not given.</exception>
    public OnnxValue Stored(string name) => Find(name)?.Tensor is { } tensor
        ? OnnxProgram.ValueOf(tensor, Backend, DType)
        : throw Fail($"the tensor '{name}' is missing");

    /// <summary>An axis of a shape, which may be counted from the end.</summary>
    /// <exception cref="OnnxModelException">There is no such axis.</exception>
    public int Axis(long axis, int rank)
    {
        long counted = axis < 0 ? axis + rank : axis;
        return counted >= 0 && counted < rank ? (int)counted : throw Fail($"there is no axis {axis} among {rank}");
    }

    /// <summary>Fails unless a setting has the only value that is computed here.</summary>
    /// <exception cref="OnnxModelException">It has another.</exception>
    public void Require(string name, long value, long otherwise)
    {
        long[] got = List(name) ?? [Setting(name, otherwise)];
        if (Array.Exists(got, g => g != value))
            throw Fail($"the setting {name} is {string.Join(", ", got)}; only {value} is computed here");
    }

    /// <summary>What is wrong with this use.</summary>
    public OnnxModelException Fail(string problem, Exception? inner = null) => new(
        _place,
        $"operator {_node.Operator} '{(_node.Name.Length > 0 ? _node.Name : _node.Outputs.FirstOrDefault())}': {problem}; its inputs are " +
        $"{string.Join(", ", _inputs.Select(i => i?.ToString() ?? "none"))}.", inner);

    private OnnxSetting? Find(string name) => Array.Find(_node.Settings, s => s.Name == name);
}
