namespace InfMatch.Autograd;

/// <summary>What an operation computes and its adjoint, as docs/operations.md shows them; every operation has
/// one.</summary>
/// <param name="forward">The output, such as "y = sin x".</param>
/// <param name="adjoint">The cotangent of each input from that of the output, such as "x̄ = ȳ·cos x".</param>
[AttributeUsage(AttributeTargets.Class, Inherited = false)]
public sealed class FormulaAttribute(string forward, string adjoint) : Attribute
{
    /// <summary>The output.</summary>
    public string Forward { get; } = forward;

    /// <summary>The cotangent of each input.</summary>
    public string Adjoint { get; } = adjoint;
}
