using InfMatch.Tensors;

namespace InfMatch.Autograd;

/// <summary>
/// The cotangents of a backward walk, and when their memory ends. Without a graph a cotangent is dead once propagated:
/// it is freed then, so that the next one reuses warm memory, unless it is asked for, shares its memory with another,
/// or was there before the walk. With a graph nothing is freed, because the graph leads to it.
/// </summary>
internal sealed class Cotangents : IDisposable
{
    private readonly Dictionary<Variable, Variable> _found = new(ReferenceEqualityComparer.Instance);
    private readonly Dictionary<Storage, int> _uses = new(ReferenceEqualityComparer.Instance);
    private readonly IReadOnlyList<Variable> _wanted;
    private readonly HashSet<Variable> _isWanted;
    private readonly TensorScope? _scope;

    /// <summary>No cotangents yet, for a walk to the variables wanted.</summary>
    public Cotangents(IReadOnlyList<Variable> wanted)
    {
        _wanted = wanted;
        _isWanted = new HashSet<Variable>(wanted, ReferenceEqualityComparer.Instance);
        _scope = Recording.IsOn ? null : TensorScope.Begin();
    }

    /// <summary>Begins at the result y with ȳ, or with 1 where it is null.</summary>
    /// <exception cref="ShapeException">y is not a scalar and no cotangent is given, or their shapes
    /// differ.</exception>
    public void Start(Variable y, Variable? cotangent)
    {
        if (cotangent is null && y.Shape.Count != 1)
            throw new ShapeException($"A gradient starts at a scalar, got {y.Shape}. Sum it, or give a cotangent.");
        cotangent ??= Filled(y, 1);
        if (cotangent.Shape != y.Shape)
            throw new ShapeException($"The cotangent {cotangent.Shape} of a result {y.Shape} must have its shape.");
        Set(y, cotangent);
    }

    /// <summary>The cotangent of x so far; null where none has come.</summary>
    public Variable? Of(Variable x) => _found.GetValueOrDefault(x);

    /// <summary>Adds the contribution of one node to the cotangent of x.</summary>
    public void Add(Variable x, Variable contribution)
    {
        if (Of(x) is not { } sum)
        {
            Set(x, contribution);
            return;
        }
        Use(contribution, +1);
        Set(x, sum + contribution);
        Use(contribution, -1);
        Use(sum, -1);
    }

    /// <summary>Frees the cotangent of x, which has been propagated to everything that x was made of.</summary>
    public void End(Variable x)
    {
        if (!_isWanted.Contains(x) && _found.Remove(x, out Variable? cotangent))
            Use(cotangent, -1);
    }

    /// <summary>The cotangents of the variables wanted, zeros where none has come; they belong to the caller's
    /// scope.</summary>
    public Variable[] Results()
    {
        Variable[] results = [.. _wanted.Select(x => Of(x) ?? Filled(x, 0))];
        foreach (Variable result in results)
            _scope?.Keep(result.Value);
        return results;
    }

    /// <summary>The VJP of a node. Without a graph what it makes besides its results is freed at once.</summary>
    public static Variable?[] Vjp(Node at)
    {
        if (Recording.IsOn)
            return at.Op.Vjp(at);
        using var scope = TensorScope.Begin();
        Variable?[] found = at.Op.Vjp(at);
        foreach (Variable? contribution in found)
        {
            if (contribution is not null)
                scope.Keep(contribution.Value);
        }
        return found;
    }

    /// <inheritdoc/>
    public void Dispose() => _scope?.Dispose();

    private static Variable Filled(Variable like, double value) =>
        Variable.Constant(Tensor.Full(like.Value.Backend, like.Value.DType, like.Shape, value));

    private void Set(Variable x, Variable cotangent)
    {
        _found[x] = cotangent;
        Use(cotangent, +1);
    }

    // Cotangents of several variables may be one memory, as both sides of a sum.
    private void Use(Variable cotangent, int change)
    {
        Storage storage = cotangent.Value.Storage;
        int uses = _uses[storage] = _uses.GetValueOrDefault(storage) + change;
        if (uses == 0 && _scope?.Owns(cotangent.Value) == true)
            storage.Release();
    }
}
