using InfMatch.Autograd;

namespace InfMatch.Nn;

/// <summary>The nonlinearity of a network. The smooth ones serve tests that differentiate numerically.</summary>
public enum Activation
{
    /// <summary>max(x, 0).</summary>
    Relu,

    /// <summary>log(1 + eˣ).</summary>
    Softplus,

    /// <summary>tanh x.</summary>
    Tanh,

    /// <summary>GELU, tanh form.</summary>
    Gelu,

    /// <summary>1/(1 + e⁻ˣ).</summary>
    Sigmoid,

    /// <summary>x above 0, 0.01·x below.</summary>
    LeakyRelu,
}

internal static class Activations
{
    public static Variable Apply(this Activation activation, Variable x) => activation switch
    {
        Activation.Relu => x.Relu(),
        Activation.Softplus => x.Softplus(),
        Activation.Tanh => x.Tanh(),
        Activation.Sigmoid => x.Sigmoid(),
        Activation.LeakyRelu => x.LeakyRelu(),
        _ => x.Gelu(),
    };
}
