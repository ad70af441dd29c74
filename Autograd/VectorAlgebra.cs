using InfMatch.Tensors;

namespace InfMatch.Autograd;

/// <summary>Tensors as vectors, in numbers only.</summary>
internal static class VectorAlgebra
{
    /// <summary>Σ x_i·y_i in float64.</summary>
    public static double InnerProduct(this Tensor x, Tensor y)
    {
        using Tensor result = x.Backend.Empty(Shape.Scalar, DType.Float64);
        x.Backend.Dot(x, y, result);
        return result.ToScalar();
    }

    /// <summary>‖x‖₂, in float64.</summary>
    public static double Norm(this Tensor x) => Math.Sqrt(x.InnerProduct(x));

    /// <summary>x + a·v.</summary>
    public static Tensor Moved(this Tensor x, double a, Tensor v)
    {
        Tensor result = x.Backend.Empty(x.Shape, x.DType);
        x.Backend.Axpy(a, v, x, result);
        return result;
    }

    /// <summary>(x − y)·c.</summary>
    public static Tensor ScaledDifference(this Tensor x, Tensor y, double c)
    {
        Tensor difference = x.Moved(-1, y);
        Tensor result = x.Backend.Empty(x.Shape, x.DType);
        x.Backend.Affine(difference, c, 0, result);
        return result;
    }

    /// <summary>Zeros like x.</summary>
    public static Tensor ZerosLike(this Tensor x) => Tensor.Full(x.Backend, x.DType, x.Shape, 0);

    /// <summary>The numbers of x in memory that belongs to nothing else.</summary>
    public static Tensor Copied(this Tensor x)
    {
        Tensor copy = x.Backend.Empty(x.Shape, x.DType);
        x.Backend.Copy(x, copy);
        return copy;
    }
}
