namespace InfMatch.Tensors;

/// <summary>x [N, M] = (½(K + Kᵀ) + shift·I)⁻¹·y for a matrix K [N, N] whose shifted symmetric part is positive definite, by
/// Cholesky's factors with 44 bits and more. Where it is not positive definite, or holds NaN or an infinity, all of x is NaN.</summary>
public readonly record struct CholeskySolveCall(Tensor K, double Shift, Tensor Y, Tensor X) : IKernelCall
{
    /// <inheritdoc/>
    public DType DType => X.DType;

    /// <inheritdoc/>
    public Tensor?[] Tensors => [K, Y, X];
}
