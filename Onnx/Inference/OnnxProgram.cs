using InfMatch.Autograd;
using InfMatch.Tensors;

namespace InfMatch.Onnx;

/// <summary>
/// A model of ONNX that is computed by this program's own operations: as numbers alone (<see cref="Run"/>), or as a differentiable
/// function of its input (<see cref="Apply"/>). Operators are types found by enumeration (<see cref="OnnxOperator"/>); a model that
/// needs another one is refused when it is read.
/// </summary>
public sealed class OnnxProgram : IDisposable
{
    /// <summary>The versions of ONNX's operators that are read.</summary>
    public const int OldestVersion = 7, NewestVersion = 17;

    private readonly OnnxFile _file;
    private readonly string _place;
    private readonly Dictionary<string, OnnxValue> _stored = new(StringComparer.Ordinal);
    private readonly (OnnxNode Node, OnnxOperator Operator)[] _steps;
    private readonly Backend _backend;
    private readonly DType _dtype;

    private OnnxProgram(OnnxFile file, string place, Backend backend, DType dtype, IReadOnlyList<string> outputs)
    {
        (_file, _place, _backend, _dtype, Outputs) = (file, place, backend, dtype, outputs);
        if (file.Version is < OldestVersion or > NewestVersion)
        {
            throw new OnnxModelException(
                place, $"the model uses version {file.Version} of ONNX's operators; {OldestVersion} to {NewestVersion} are read here. " +
                "Export it again for one of these.");
        }
        foreach (string output in outputs)
        {
            if (!file.Outputs.Contains(output, StringComparer.Ordinal))
                throw new OnnxModelException(place, $"there is no output '{output}'; the outputs are {string.Join(", ", file.Outputs)}.");
        }
        (List<OnnxNode> nodes, List<OnnxTensor> tensors) = FoldedNormalization.Of(file);
        _steps = Needed(nodes, out HashSet<string> read);
        using IDisposable detached = TensorScope.BeginDetached();
        foreach (OnnxTensor tensor in tensors.Where(t => read.Contains(t.Name)))
            _stored[tensor.Name] = ValueOf(tensor, backend, dtype);
    }

    /// <summary>The names of the inputs that are to be given.</summary>
    public IReadOnlyList<string> Inputs => [.. GivenInputs.Select(i => i.Name)];

    /// <summary>The names of the outputs that are computed.</summary>
    public IReadOnlyList<string> Outputs { get; }

    // Models of older formats list the stored tensors among the inputs.
    private IEnumerable<OnnxInput> GivenInputs => _file.Inputs.Where(i => _file.Tensors.TrueForAll(t => t.Name != i.Name));

    /// <summary>Reads a model.</summary>
    /// <param name="bytes">The file.</param>
    /// <param name="place">Its name, for messages.</param>
    /// <param name="backend">Where it is computed.</param>
    /// <param name="outputs">Which outputs are wanted; all where none are named.</param>
    /// <exception cref="OnnxModelException">It is damaged, of another version, or needs an operator that is not known.</exception>
    public static OnnxProgram Read(byte[] bytes, string place, Backend backend, params IReadOnlyList<string> outputs) =>
        Read(bytes, place, backend, DType.Float32, outputs);

    /// <summary>Reads a model whose numbers are computed in a number type; all of its outputs, where none are named.</summary>
    /// <exception cref="OnnxModelException">It is damaged, of another version, or needs an operator that is not known.</exception>
    public static OnnxProgram Read(byte[] bytes, string place, Backend backend, DType dtype, params IReadOnlyList<string> outputs)
    {
        OnnxFile file = OnnxFile.Read(bytes, place);
        return new OnnxProgram(file, place, backend, dtype, outputs.Count > 0 ? outputs : file.Outputs);
    }

    /// <summary>The sizes of an input; null for free ones.</summary>
    /// <exception cref="OnnxModelException">There is no such input.</exception>
    public IReadOnlyList<int?>? SizesOf(string input) => InputOf(input).Sizes;

    /// <summary>Computes the outputs, in the order of <see cref="Outputs"/>; they belong to the current scope.</summary>
    /// <exception cref="OnnxModelException">An input is missing, unknown or of other sizes, or a node cannot be computed.</exception>
    public OnnxValue[] Run(IReadOnlyDictionary<string, OnnxValue> inputs)
    {
        using IDisposable off = Recording.Off();
        return Compute(inputs);
    }

    /// <summary>The output of a model that has one, as a function of its input, recorded where recording is on.</summary>
    /// <param name="x">The input, in the number type that the model was read for.</param>
    /// <exception cref="OnnxModelException">The model has several inputs or outputs, the input is of other sizes, or an operator cannot
    /// be computed, or, where x is tracked, not be differentiated.</exception>
    public Variable Apply(Variable x)
    {
        if (Inputs is not [var input] || Outputs.Count != 1)
        {
            throw new OnnxModelException(
                _place, $"a function has one input and one output; this model has {Inputs.Count} and {Outputs.Count}.");
        }
        OnnxValue y = Compute(new Dictionary<string, OnnxValue>(StringComparer.Ordinal) { [input] = OnnxValue.Of(x) })[0];
        return y.IsWhole
            ? throw new OnnxModelException(_place, $"the output '{Outputs[0]}' has whole numbers, float32 was expected.")
            : y.Numbers;
    }

    private OnnxValue[] Compute(IReadOnlyDictionary<string, OnnxValue> inputs)
    {
        var values = new Dictionary<string, OnnxValue>(_stored, StringComparer.Ordinal);
        foreach ((string name, OnnxValue value) in inputs)
        {
            Check(InputOf(name), value);
            values[name] = value;
        }
        foreach ((OnnxNode node, OnnxOperator kind) in _steps)
        {
            OnnxValue?[] given = Array.ConvertAll(node.Inputs, name => name.Length == 0 ? null : values.GetValueOrDefault(name)
                ?? throw new OnnxModelException(_place, $"the input '{name}' is not given; the inputs are {string.Join(", ", Inputs)}."));
            var use = new OnnxUse(node, _place, _file.Version, given, (_backend, _dtype));
            OnnxValue[] made;
            try
            {
                made = kind.Run(use);
            }
            catch (Exception e) when (e is ShapeException or ArgumentException or InvalidOperationException or IndexOutOfRangeException or OverflowException)
            {
                throw use.Fail($"it cannot be computed ({e.Message.TrimEnd('.')})", e);
            }
            RequireGradient(use, given, made);
            for (int i = 0; i < node.Outputs.Length; i++)
            {
                if (i < made.Length)
                    values[node.Outputs[i]] = made[i];
            }
        }
        return [.. Outputs.Select(o => values.GetValueOrDefault(o)
            ?? throw new OnnxModelException(_place, $"no operator makes the output '{o}'. Export the model again."))];
    }

    /// <summary>Gives back the memory of the stored tensors.</summary>
    public void Dispose()
    {
        foreach (OnnxValue value in _stored.Values)
        {
            if (!value.IsWhole)
                value.Numbers.Value.Dispose();
        }
        _stored.Clear();
    }

    // An operator that goes by numbers alone would end the gradient without a word.
    private static void RequireGradient(OnnxUse use, OnnxValue?[] given, OnnxValue[] made)
    {
        if (Recording.IsOn && Array.Exists(given, IsTracked) && Array.Exists(made, m => !m.IsWhole && !IsTracked(m)))
            throw use.Fail("it is computed here but not differentiated, so this model is no encoder of learned pixels");

        static bool IsTracked(OnnxValue? value) => value is { IsWhole: false, Numbers.RequiresGradient: true };
    }

    internal static OnnxValue ValueOf(OnnxTensor tensor, Backend backend, DType dtype) => tensor.Numbers is { } numbers
        ? OnnxValue.Of(dtype == DType.Float32
            ? Tensor.From<float>(backend, numbers, new Shape(tensor.Sizes))
            : Tensor.From(backend, dtype, Array.ConvertAll(numbers, n => (double)n), new Shape(tensor.Sizes)))
        : OnnxValue.Of(tensor.Whole!, new Shape(tensor.Sizes));

    // The nodes that the outputs need, in the order of the file, which is one in which they can be computed.
    private (OnnxNode, OnnxOperator)[] Needed(List<OnnxNode> nodes, out HashSet<string> read)
    {
        read = [.. Outputs];
        var steps = new List<(OnnxNode, OnnxOperator)>();
        foreach (OnnxNode node in Enumerable.Reverse(nodes))
        {
            if (!node.Outputs.Any(read.Contains))
                continue;
            string name = node.Domain is "" or "ai.onnx" ? node.Operator : $"{node.Domain}.{node.Operator}";
            steps.Add((node, Kinds.Find<OnnxOperator>(name) ?? throw new OnnxModelException(
                _place, $"operator {name} '{node.Name}' is not known here; known are {string.Join(", ", Kinds.Names<OnnxOperator>())}. " +
                "Export the model with these, or add a type that derives from OnnxOperator.")));
            read.UnionWith(node.Inputs.Where(i => i.Length > 0));
        }
        steps.Reverse();
        return [.. steps];
    }

    private OnnxInput InputOf(string name) => GivenInputs.FirstOrDefault(i => i.Name == name)
        ?? throw new OnnxModelException(_place, $"there is no input '{name}'; the inputs are {string.Join(", ", Inputs)}.");

    private void Check(OnnxInput input, OnnxValue value)
    {
        bool fits = input.IsWhole == value.IsWhole && (input.Sizes is null || (input.Sizes.Length == value.Shape.Rank
            && Enumerable.Range(0, value.Shape.Rank).All(i => input.Sizes[i] is not { } size || size == value.Shape[i])));
        if (!fits)
        {
            string expected = input.Sizes is null ? "any sizes" : $"[{string.Join(", ", input.Sizes.Select(s => s?.ToString() ?? "any"))}]";
            throw new OnnxModelException(
                _place, $"the input '{input.Name}' is {value}; {(input.IsWhole ? "whole numbers" : "float32")} {expected} were expected.");
        }
    }
}
