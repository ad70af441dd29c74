using InfMatch.Tensors;

namespace InfMatch.Autograd;

/// <summary>
/// A differentiable operation: its shape rule, its forward pass in numbers, and its vector-Jacobian product in
/// differentiable operations, so that gradients of gradients come free. Its parameters are the record's properties.
/// Every concrete operation also implements <see cref="IOpSamples"/>: the tests find it by enumeration and check it.
/// </summary>
public abstract record Op
{
    private static long s_count;

    /// <summary>The shapes of the outputs, from those of the inputs.</summary>
    /// <exception cref="ShapeException">The inputs do not fit this operation.</exception>
    public abstract Shape[] Infer(ReadOnlySpan<Shape> inputs);

    /// <summary>The outputs, in numbers only; reshapes and views may share memory with an input.</summary>
    public abstract Tensor[] Forward(ReadOnlySpan<Tensor> inputs, ReadOnlySpan<Shape> outputs);

    /// <summary>
    /// For each input the cotangent Σ_o (∂o/∂input)ᵀ·ō over the outputs o with their cotangents ō; null where there is
    /// none or where <see cref="Node.Needs"/> says that nobody asks.
    /// </summary>
    public abstract Variable?[] Vjp(Node at);

    /// <summary>Applies this operation, and records it if recording is on and an input is tracked.</summary>
    /// <exception cref="ShapeException">The inputs do not fit this operation.</exception>
    /// <exception cref="DTypeException">The inputs mix number types.</exception>
    /// <exception cref="DeviceException">The inputs live on different backends.</exception>
    public Variable[] Apply(params ReadOnlySpan<Variable> inputs)
    {
        var values = new Tensor[inputs.Length];
        var shapes = new Shape[inputs.Length];
        bool track = false, unrecorded = false;
        for (int i = 0; i < inputs.Length; i++)
        {
            values[i] = inputs[i].Value;
            shapes[i] = inputs[i].Shape;
            track |= inputs[i].RequiresGradient;
            unrecorded |= inputs[i].IsUnrecorded;
            if (values[i].DType != values[0].DType)
            {
                throw new DTypeException(
                    $"{this}: input 0 is {values[0].DType}, input {i} is {values[i].DType}. Convert one.");
            }
            if (!ReferenceEquals(values[i].Backend, values[0].Backend))
            {
                throw new DeviceException(
                    $"{this}: input 0 is on {values[0].Backend.Name}, input {i} on {values[i].Backend.Name}.");
            }
        }
        Tensor[] results = Forward(values, Infer(shapes));
        unrecorded |= track && !Recording.IsOn;
        track &= Recording.IsOn;
        var outputs = new Variable[results.Length];
        Node? source = track
            ? new Node(this, inputs.ToArray(), outputs, Interlocked.Increment(ref s_count))
            : null;
        for (int i = 0; i < results.Length; i++)
            outputs[i] = new Variable(results[i], track, source, unrecorded);
        return outputs;
    }

    /// <summary>Applies an operation that has one output.</summary>
    public Variable On(params ReadOnlySpan<Variable> inputs) => Apply(inputs)[0];

    /// <summary>Refuses another number of inputs: what is left out or left over would otherwise go unnoticed.</summary>
    /// <exception cref="ShapeException">The number of inputs is not <paramref name="count"/>.</exception>
    protected internal void ExpectInputs(ReadOnlySpan<Shape> inputs, int count)
    {
        if (inputs.Length != count)
        {
            throw new ShapeException(
                $"{GetType().Name} takes {count} input{(count == 1 ? "" : "s")}, got {inputs.Length}.");
        }
    }
}

/// <summary>One recorded use of an operation: what went in, what came out, and, during a backward walk, the cotangents
/// of what came out.</summary>
public sealed class Node
{
    private bool[]? _needs;

    internal Node(Op op, Variable[] inputs, Variable[] outputs, long order) =>
        (Op, Inputs, Outputs, Order, Cotangents) = (op, inputs, outputs, order, new Variable?[outputs.Length]);

    private Node(Node of, Variable?[] cotangents, bool[] needs)
        : this(of.Op, of.Inputs, of.Outputs, of.Order) => (Cotangents, _needs) = (cotangents, needs);

    /// <summary>The operation.</summary>
    public Op Op { get; }

    /// <summary>What went in.</summary>
    public Variable[] Inputs { get; }

    /// <summary>What came out.</summary>
    public Variable[] Outputs { get; }

    /// <summary>The cotangent of each output; null where none flows.</summary>
    public Variable?[] Cotangents { get; }

    /// <summary>The cotangent of the only output.</summary>
    public Variable Cotangent => Cotangents[0]!;

    internal long Order { get; }

    /// <summary>Whether the cotangent of an input is asked for.</summary>
    public bool Needs(int input) => _needs is null || _needs[input];

    internal Node With(Variable?[] cotangents, bool[] needs) => new(this, cotangents, needs);
}

/// <summary>An operation with one output; what most are.</summary>
public abstract record SingleOutputOp : Op
{
    /// <inheritdoc/>
    public sealed override Shape[] Infer(ReadOnlySpan<Shape> inputs) => [InferOne(inputs)];

    /// <inheritdoc/>
    public sealed override Tensor[] Forward(ReadOnlySpan<Tensor> inputs, ReadOnlySpan<Shape> outputs) =>
        [ForwardOne(inputs, outputs[0])];

    /// <summary>The shape of the output.</summary>
    /// <exception cref="ShapeException">The inputs do not fit this operation.</exception>
    protected abstract Shape InferOne(ReadOnlySpan<Shape> inputs);

    /// <summary>The output, in numbers only; the default makes it and calls <see cref="Compute"/>.</summary>
    protected virtual Tensor ForwardOne(ReadOnlySpan<Tensor> inputs, Shape shape)
    {
        Tensor y = inputs[0].Backend.Empty(shape, inputs[0].DType);
        Compute(inputs[0].Backend, inputs, y);
        return y;
    }

    /// <summary>Fills the output by a kernel of the backend.</summary>
    protected virtual void Compute(Backend on, ReadOnlySpan<Tensor> x, Tensor y) =>
        throw new InvalidOperationException($"{GetType().Name} overrides neither ForwardOne nor Compute.");
}

/// <summary>
/// An operation that a kernel does in one pass although it could be composed of others. The composition is its
/// definition: it serves every order above the first, and the tests hold the kernel to it.
/// </summary>
public abstract record FusedOp : SingleOutputOp
{
    /// <summary>The definition in other operations.</summary>
    public abstract Variable Compose(ReadOnlySpan<Variable> inputs);

    /// <summary>The cotangents of the inputs by the fused kernel, in numbers; null where not needed.</summary>
    protected abstract Tensor?[] FirstOrder(Node at);

    /// <inheritdoc/>
    public sealed override Variable?[] Vjp(Node at)
    {
        if (!Recording.IsOn)
            return [.. FirstOrder(at).Select(t => t is null ? null : Variable.Constant(t))];

        // Fresh names for the inputs: the walk through the composition stops at each of them, needed or not, even if
        // one input is made of another or given twice.
        Variable[] inputs = [.. at.Inputs.Select(x => new Reshape(x.Shape).On(x))];
        Variable[] wanted = [.. inputs.Where((_, i) => at.Needs(i))];
        Variable[] found = Gradient.Within(Compose(inputs), wanted, inputs, at.Cotangent);
        var result = new Variable?[inputs.Length];
        for (int i = 0, j = 0; i < inputs.Length; i++)
            result[i] = at.Needs(i) ? found[j++] : null;
        return result;
    }
}
