namespace InfMatch.Tensors;

/// <summary>y [M, N] = op(a)·op(b), where op transposes if asked.</summary>
public readonly record struct MatMulCall(Tensor A, bool TransposeA, Tensor B, bool TransposeB, Tensor Y) : IKernelCall
{
    /// <inheritdoc/>
    public DType DType => Y.DType;

    /// <inheritdoc/>
    public Tensor?[] Tensors => [A, B, Y];
}

/// <summary>y [N, K, OH, OW] = x [N, C, H, W] cross-correlated with w [K, C, R, S], plus bias [K] if given.</summary>
public readonly record struct Conv2dCall(Conv2dGeometry Geometry, Tensor X, Tensor W, Tensor? Bias, Tensor Y)
    : IKernelCall
{
    /// <inheritdoc/>
    public DType DType => Y.DType;

    /// <inheritdoc/>
    public Tensor?[] Tensors => [X, W, Bias, Y];
}

/// <summary>dx [N, C, H, W]: the adjoint of <see cref="Conv2dCall"/> in x, applied to dy [N, K, OH, OW].</summary>
public readonly record struct Conv2dInputGradientCall(Conv2dGeometry Geometry, Tensor Dy, Tensor W, Tensor Dx)
    : IKernelCall
{
    /// <inheritdoc/>
    public DType DType => Dx.DType;

    /// <inheritdoc/>
    public Tensor?[] Tensors => [Dy, W, Dx];
}

/// <summary>dw [K, C, R, S]: the adjoint of <see cref="Conv2dCall"/> in w, applied to dy [N, K, OH, OW].</summary>
public readonly record struct Conv2dWeightGradientCall(Conv2dGeometry Geometry, Tensor X, Tensor Dy, Tensor Dw)
    : IKernelCall
{
    /// <inheritdoc/>
    public DType DType => Dw.DType;

    /// <inheritdoc/>
    public Tensor?[] Tensors => [X, Dy, Dw];
}

/// <summary>y = the mean of each P×P window of x.</summary>
public readonly record struct AvgPool2dCall(Pool2dGeometry Geometry, Tensor X, Tensor Y) : IKernelCall
{
    /// <inheritdoc/>
    public DType DType => Y.DType;

    /// <inheritdoc/>
    public Tensor?[] Tensors => [X, Y];
}

/// <summary>dx: the adjoint of <see cref="AvgPool2dCall"/>; zero where no window reaches.</summary>
public readonly record struct AvgPool2dGradientCall(Pool2dGeometry Geometry, Tensor Dy, Tensor Dx) : IKernelCall
{
    /// <inheritdoc/>
    public DType DType => Dx.DType;

    /// <inheritdoc/>
    public Tensor?[] Tensors => [Dy, Dx];
}

/// <summary>y [N, C, ⌊H/P⌋, ⌊W/P⌋] = of each P×P window the element of v [N, C, H, W] that stands where x [N, C, H, W]
/// is largest; v may be x itself. Of equal elements the first counts, row by row, and a NaN counts as the largest, so
/// that it spreads.</summary>
public readonly record struct MaxPool2dCall(Pool2dGeometry Geometry, Tensor X, Tensor V, Tensor Y) : IKernelCall
{
    /// <inheritdoc/>
    public DType DType => Y.DType;

    /// <inheritdoc/>
    public Tensor?[] Tensors => [X, V, Y];
}

/// <summary>dx: the adjoint of <see cref="MaxPool2dCall"/> in v, applied to dy [N, C, ⌊H/P⌋, ⌊W/P⌋]; zero where x is
/// not the largest of its window.</summary>
public readonly record struct MaxPool2dGradientCall(Pool2dGeometry Geometry, Tensor X, Tensor Dy, Tensor Dx)
    : IKernelCall
{
    /// <inheritdoc/>
    public DType DType => Dx.DType;

    /// <inheritdoc/>
    public Tensor?[] Tensors => [X, Dy, Dx];
}

/// <summary>What a block of a ConvNet behind its convolution reads: x [N, C, H, W], γ and β [C], and the ε of its
/// norm.</summary>
public readonly record struct NormReluPoolInputs(
    Pool2dGeometry Geometry, double Epsilon, Tensor X, Tensor Gamma, Tensor Beta);

/// <summary>
/// One block of a ConvNet behind its convolution, in one pass over memory: instance norm over each [H, W] plane (biased
/// variance, x̂ = (x − mean)/√(var + ε)), y' = γ_c·x̂ + β_c, ReLU, mean of P×P windows.
/// </summary>
public readonly record struct NormReluPoolCall(NormReluPoolInputs Of, Tensor Y) : IKernelCall
{
    /// <inheritdoc/>
    public DType DType => Y.DType;

    /// <inheritdoc/>
    public Tensor?[] Tensors => [Of.X, Of.Gamma, Of.Beta, Y];
}

/// <summary>The adjoint of <see cref="NormReluPoolCall"/> at x, γ and β, applied to dy [N, C, ⌊H/P⌋, ⌊W/P⌋]; a null
/// destination is not computed. ReLU'(0) = 0.</summary>
public readonly record struct NormReluPoolGradientCall(
    NormReluPoolInputs At, Tensor Dy, Tensor? Dx, Tensor? DGamma, Tensor? DBeta) : IKernelCall
{
    /// <inheritdoc/>
    public DType DType => At.X.DType;

    /// <inheritdoc/>
    public Tensor?[] Tensors => [At.X, At.Gamma, At.Beta, Dy, Dx, DGamma, DBeta];
}

/// <summary>The adjoint of <see cref="NormReluPoolGradientCall"/> at x, γ and dy, applied to cotangents of its three results: u of dx
/// [N, C, H, W], and those of dγ and dβ [C]. A null destination is not computed; in β the derivative is 0 almost everywhere.</summary>
public readonly record struct NormReluPoolSecondCall(
    NormReluPoolInputs At, Tensor Dy, NormReluPoolCotangents Of, Tensor? OfX, Tensor? OfGamma, Tensor? OfDy) : IKernelCall
{
    /// <inheritdoc/>
    public DType DType => At.X.DType;

    /// <inheritdoc/>
    public Tensor?[] Tensors => [At.X, At.Gamma, At.Beta, Dy, Of.U, Of.Gamma, Of.Beta, OfX, OfGamma, OfDy];
}

/// <summary>The cotangents of dx [N, C, H, W], dγ [C] and dβ [C].</summary>
public readonly record struct NormReluPoolCotangents(Tensor U, Tensor Gamma, Tensor Beta);

/// <summary>
/// y [N, C, H, W]: bilinear samples of x [N, C, H, W] at source = A_n·(column, row, 1), where A_n are the six numbers n
/// of transforms [N, 6] (row-major 2×3) and coordinates are in pixels from the image centre ((W−1)/2, (H−1)/2). What
/// lies outside x is zero.
/// </summary>
public readonly record struct AffineSampleCall(Tensor X, Tensor Transforms, Tensor Y) : IKernelCall
{
    /// <inheritdoc/>
    public DType DType => Y.DType;

    /// <inheritdoc/>
    public Tensor?[] Tensors => [X, Transforms, Y];
}

/// <summary>dx: the adjoint of <see cref="AffineSampleCall"/> in x.</summary>
public readonly record struct AffineSampleGradientCall(Tensor Dy, Tensor Transforms, Tensor Dx) : IKernelCall
{
    /// <inheritdoc/>
    public DType DType => Dx.DType;

    /// <inheritdoc/>
    public Tensor?[] Tensors => [Dy, Transforms, Dx];
}
