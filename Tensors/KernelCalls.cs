namespace InfMatch.Tensors;

/// <summary>
/// The arguments of one call of a kernel. The record is the kernel's contract: what it computes, for every backend.
/// Sources come first and destinations last; a destination is made by the caller, has the inferred shape and overlaps
/// no source. All tensors live on the backend that runs the call and have one number type, unless the record says
/// otherwise. The definition of each kernel is its plain loop in <c>ReferenceKernels</c>.
/// </summary>
public interface IKernelCall
{
    /// <summary>The number type in which it is computed.</summary>
    DType DType { get; }

    /// <summary>All its tensors, destinations last; null where one is left out.</summary>
    Tensor?[] Tensors { get; }
}

/// <summary>Runs the calls of one kind on one backend. A backend's kernels are found by this interface, so that a new
/// kernel is a record and one implementation for each backend, and no list names it.</summary>
internal interface IKernel<K> where K : struct, IKernelCall
{
    void Run(K call);
}

/// <summary>y = scale·x + shift.</summary>
public readonly record struct AffineCall(Tensor X, double Scale, double Shift, Tensor Y) : IKernelCall
{
    /// <inheritdoc/>
    public DType DType => Y.DType;

    /// <inheritdoc/>
    public Tensor?[] Tensors => [X, Y];
}

/// <summary>z = a·x + y.</summary>
public readonly record struct AxpyCall(double A, Tensor X, Tensor Y, Tensor Z) : IKernelCall
{
    /// <inheritdoc/>
    public DType DType => Z.DType;

    /// <inheritdoc/>
    public Tensor?[] Tensors => [X, Y, Z];
}

/// <summary>result = Σ x_i·y_i, summed with 44 bits and more: in float64 or in pairs of float32; result is a float64
/// scalar.</summary>
public readonly record struct DotCall(Tensor X, Tensor Y, Tensor Result) : IKernelCall
{
    /// <inheritdoc/>
    public DType DType => X.DType;

    /// <inheritdoc/>
    public Tensor?[] Tensors => [X, Y, Result];
}

/// <summary>y = x stretched to y's shape by NumPy's rules.</summary>
public readonly record struct BroadcastToCall(Tensor X, Tensor Y) : IKernelCall
{
    /// <inheritdoc/>
    public DType DType => Y.DType;

    /// <inheritdoc/>
    public Tensor?[] Tensors => [X, Y];
}

/// <summary>y = x summed over the dimensions in which y has size 1 or which y lacks, with 44 bits and more: the
/// adjoint of
/// <see cref="BroadcastToCall"/>.</summary>
public readonly record struct SumToCall(Tensor X, Tensor Y) : IKernelCall
{
    /// <inheritdoc/>
    public DType DType => Y.DType;

    /// <inheritdoc/>
    public Tensor?[] Tensors => [X, Y];
}

/// <summary>One step of SGD with momentum and weight decay: v' = μ·v + g + λ·θ and θ' = θ − η·v', from θ and v to θ'
/// and v'.</summary>
public readonly record struct SgdStepCall(SgdTensors From, Tensor Gradient, SgdRates Rates, SgdTensors To) : IKernelCall
{
    /// <inheritdoc/>
    public DType DType => From.Theta.DType;

    /// <inheritdoc/>
    public Tensor?[] Tensors => [From.Theta, From.Velocity, Gradient, To.Theta, To.Velocity];
}

/// <summary>Parameters θ and their velocity v.</summary>
public readonly record struct SgdTensors(Tensor Theta, Tensor Velocity);

/// <summary>The learning rate η, the momentum μ and the weight decay λ of one step.</summary>
public readonly record struct SgdRates(double Rate, double Momentum, double WeightDecay);

/// <summary>y [N, M] = x − log Σ exp x along each row, safe against overflow.</summary>
public readonly record struct LogSoftmaxCall(Tensor X, Tensor Y) : IKernelCall
{
    /// <inheritdoc/>
    public DType DType => Y.DType;

    /// <inheritdoc/>
    public Tensor?[] Tensors => [X, Y];
}

/// <summary>y, a scalar = the mean over the rows of −Σ_c q_c·log softmax(z)_c, z = logits and q = labels, both [N, M],
/// summed with 44 bits and more; safe against overflow. 0·log 0 is 0: a logit of −∞ counts nothing where its label is 0, and makes
/// +∞ where it is above 0. NaN, +∞ and a row of −∞ alone give NaN.</summary>
public readonly record struct CrossEntropyCall(Tensor Logits, Tensor Labels, Tensor Y) : IKernelCall
{
    /// <inheritdoc/>
    public DType DType => Y.DType;

    /// <inheritdoc/>
    public Tensor?[] Tensors => [Logits, Labels, Y];
}

/// <summary>The adjoint of <see cref="CrossEntropyCall"/> at z and q, applied to the scalar dy: dlogits = dy/N·((Σ_c
/// q_c)·softmax(z) − q) and dlabels = −dy/N·log softmax(z), both [N, M]; a null destination is not computed. At a logit
/// of −∞ dlogits is −dy/N·q and finite, and dlabels is infinite, or 0 where dy is 0.</summary>
public readonly record struct CrossEntropyGradientCall(
    Tensor Logits, Tensor Labels, Tensor Dy, Tensor? DLogits, Tensor? DLabels) : IKernelCall
{
    /// <inheritdoc/>
    public DType DType => Logits.DType;

    /// <inheritdoc/>
    public Tensor?[] Tensors => [Logits, Labels, Dy, DLogits, DLabels];
}

/// <summary>y = the rows (outermost slices) of x named by the indices.</summary>
public readonly record struct GatherRowsCall(Tensor X, ReadOnlyMemory<int> Indices, Tensor Y) : IKernelCall
{
    /// <inheritdoc/>
    public DType DType => Y.DType;

    /// <inheritdoc/>
    public Tensor?[] Tensors => [X, Y];
}

/// <summary>dx = for each row of x the sum of the rows of dy that were gathered from it, in order: the adjoint of
/// <see cref="GatherRowsCall"/>.</summary>
public readonly record struct ScatterRowsCall(Tensor Dy, ReadOnlyMemory<int> Indices, Tensor Dx) : IKernelCall
{
    /// <inheritdoc/>
    public DType DType => Dx.DType;

    /// <inheritdoc/>
    public Tensor?[] Tensors => [Dy, Dx];
}
