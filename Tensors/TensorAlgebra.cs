namespace InfMatch.Tensors;

/// <summary>Linear algebra on whole tensors, outside any graph: what optimisers and estimators do with vectors.</summary>
public static class TensorAlgebra
{
    /// <summary>a·x + y.</summary>
    /// <exception cref="ShapeException">The shapes differ.</exception>
    public static Tensor Axpy(double a, Tensor x, Tensor y)
    {
        Tensor z = Like(x, y);
        x.Backend.Run(new AxpyCall(a, x, y, z));
        return z;
    }

    /// <summary>x + y.</summary>
    /// <exception cref="ShapeException">The shapes differ.</exception>
    public static Tensor Plus(this Tensor x, Tensor y) => Axpy(1, x, y);

    /// <summary>x − y.</summary>
    /// <exception cref="ShapeException">The shapes differ.</exception>
    public static Tensor Minus(this Tensor x, Tensor y) => Axpy(-1, y, x);

    /// <summary>c·x.</summary>
    public static Tensor Times(this Tensor x, double c)
    {
        Tensor y = x.Backend.Empty(x.Shape, x.DType);
        x.Backend.Run(new AffineCall(x, c, 0, y));
        return y;
    }

    /// <summary>⟨x, y⟩ = Σ x_i·y_i, summed with 44 bits and more.</summary>
    /// <exception cref="ShapeException">The element counts differ.</exception>
    public static double Dot(this Tensor x, Tensor y) => Dots((x, y))[0];

    /// <summary>⟨x, y⟩ of several pairs, each as <see cref="Dot"/>: a device is waited for once and not once a pair.</summary>
    /// <exception cref="ShapeException">The element counts of a pair differ.</exception>
    public static double[] Dots(params ReadOnlySpan<(Tensor X, Tensor Y)> pairs)
    {
        using Tensor results = pairs[0].X.Backend.Empty(new Shape(pairs.Length), DType.Float64);
        for (int i = 0; i < pairs.Length; i++)
        {
            (Tensor x, Tensor y) = pairs[i];
            if (x.Count != y.Count)
                throw new ShapeException($"Dot: {x.Shape} has {x.Count} elements, {y.Shape} has {y.Count}.");
            x.Backend.Run(new DotCall(x, y, results.View(i, Shape.Scalar)));
        }
        return results.ToArray<double>();
    }

    /// <summary>‖x‖₂, summed as <see cref="Dot"/>.</summary>
    public static double Norm(this Tensor x) => Math.Sqrt(x.Dot(x));

    /// <summary>The same numbers in memory of their own.</summary>
    public static Tensor Clone(this Tensor x)
    {
        Tensor y = x.Backend.Empty(x.Shape, x.DType);
        x.Backend.Copy(x, y);
        return y;
    }

    /// <summary>The same numbers rounded to a number type; the tensor itself where it already has that type.</summary>
    public static Tensor To(this Tensor x, DType dtype)
    {
        if (x.DType == dtype)
            return x;
        Tensor y = x.Backend.Empty(x.Shape, dtype);
        x.Backend.Convert(x, y);
        return y;
    }

    /// <summary>Zeros of x's shape and number type.</summary>
    public static Tensor ZerosLike(this Tensor x) => Tensor.Full(x.Backend, x.DType, x.Shape, 0);

    private static Tensor Like(Tensor x, Tensor y) => x.Shape == y.Shape
        ? x.Backend.Empty(x.Shape, x.DType)
        : throw new ShapeException($"Axpy: the shapes {x.Shape} and {y.Shape} differ.");
}
