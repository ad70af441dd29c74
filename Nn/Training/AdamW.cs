using InfMatch.Autograd;
using InfMatch.Tensors;

namespace InfMatch.Nn;

/// <summary>What moves the parameters along the gradient.</summary>
public enum Optimiser
{
    /// <summary>SGD with momentum and weight decay: what influence describes.</summary>
    Sgd,

    /// <summary><see cref="Nn.AdamW"/>.</summary>
    AdamW,
}

/// <summary>
/// AdamW (Loshchilov and Hutter, ICLR 2019) with PyTorch's constants: m' = β₁m + (1 − β₁)g, v' = β₂v + (1 − β₂)g²,
/// θ' = (1 − ηλ)θ − η/(1 − β₁ᵗ) · m'/(√v'/√(1 − β₂ᵗ) + ε), t counted from 1. Nine kernels on vectors: beside the
/// backward pass of a ConvNet they take a few percent, so there is no kernel of its own.
/// </summary>
public static class AdamW
{
    /// <summary>The share of the old mean of gradients.</summary>
    public const double Beta1 = 0.9;

    /// <summary>The share of the old mean of squares.</summary>
    public const double Beta2 = 0.999;

    /// <summary>Added to the root of the mean of squares.</summary>
    public const double Epsilon = 1e-8;

    /// <summary>λ of PyTorch, which NCFM evaluates with.</summary>
    public const double DefaultWeightDecay = 0.01;

    /// <summary>Step t (from 0) of θ [p] with its means; all belong to the current scope.</summary>
    public static (Tensor Theta, AdamMeans Means) Step(
        Tensor theta, AdamMeans means, Tensor gradient, int step, double rate, double weightDecay)
    {
        Backend on = theta.Backend;
        Tensor squares = on.Empty(theta.Shape, theta.DType), root = on.Empty(theta.Shape, theta.DType);
        Tensor divisor = on.Empty(theta.Shape, theta.DType), direction = on.Empty(theta.Shape, theta.DType);
        Tensor newFirst = TensorAlgebra.Axpy(Beta1, means.First, gradient.Times(1 - Beta1));
        on.Zip<MultiplyFunction>(gradient, gradient, squares);
        Tensor newSecond = TensorAlgebra.Axpy(Beta2, means.Second, squares.Times(1 - Beta2));
        on.Map<SqrtFunction>(newSecond, root);
        on.Run(new AffineCall(root, 1 / Math.Sqrt(1 - Math.Pow(Beta2, step + 1)), Epsilon, divisor));
        on.Zip<DivideFunction>(newFirst, divisor, direction);
        double scale = -rate / (1 - Math.Pow(Beta1, step + 1));
        Tensor moved = TensorAlgebra.Axpy(scale, direction, theta.Times(1 - rate * weightDecay));
        return (moved, new AdamMeans(newFirst, newSecond));
    }
}

/// <summary>What AdamW remembers beside θ.</summary>
/// <param name="First">m [p], the running mean of gradients.</param>
/// <param name="Second">v [p], the running mean of their squares.</param>
public readonly record struct AdamMeans(Tensor First, Tensor Second);
