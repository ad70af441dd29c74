using System.Text;
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
    /// For each input the cotangent Σ_o (∂o/∂input)ᵀ·ō over the outputs o with their cotangents ō; null where none
    /// exists or <see cref="Node.Needs"/> is false.
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

    /// <summary>The name, and the parameters in braces where it has any.</summary>
    public sealed override string ToString()
    {
        var parameters = new StringBuilder();
        return PrintMembers(parameters) ? $"{GetType().Name} {{ {parameters} }}" : GetType().Name;
    }

    /// <summary>Throws unless there are as many inputs as expected.</summary>
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

/// <summary>An operation with one output, as most have.</summary>
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
