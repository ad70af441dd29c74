namespace InfMatch.Autograd;

/// <summary>One recorded use of an operation: its inputs, its outputs and, during a backward walk, the cotangents of
/// its outputs.</summary>
public sealed class Node
{
    private bool[]? _needs;

    internal Node(Op op, Variable[] inputs, Variable[] outputs, long order) =>
        (Op, Inputs, Outputs, Order, Cotangents) = (op, inputs, outputs, order, new Variable?[outputs.Length]);

    private Node(Node of, Variable?[] cotangents, bool[] needs)
        : this(of.Op, of.Inputs, of.Outputs, of.Order) => (Cotangents, _needs) = (cotangents, needs);

    /// <summary>The operation.</summary>
    public Op Op { get; }

    /// <summary>The inputs of the operation.</summary>
    public Variable[] Inputs { get; }

    /// <summary>The outputs of the operation.</summary>
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
