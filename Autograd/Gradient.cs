using InfMatch.Tensors;

namespace InfMatch.Autograd;

/// <summary>
/// Reverse-mode differentiation: one walk from a result back over the recorded operations, in the reverse order of
/// their making, which is a topological order. Only operations that lie between the result and what is asked for are
/// visited.
/// </summary>
public static class Gradient
{
    /// <summary>
    /// The cotangents (∂y/∂x)ᵀ·ȳ of each x in <paramref name="wrt"/>; zeros where y does not depend on x.
    /// </summary>
    /// <param name="y">The result; a scalar unless <paramref name="cotangent"/> is given.</param>
    /// <param name="wrt">What to differentiate with respect to.</param>
    /// <param name="cotangent">ȳ, of y's shape; 1 where null.</param>
    /// <param name="createGraph">Whether the cotangents are themselves recorded, to be differentiated again.</param>
    /// <exception cref="ShapeException">y is not a scalar and no cotangent is given, or their shapes differ.</exception>
    /// <exception cref="ArgumentException">An x is a constant, whose gradient is not recorded; or y was made of tracked
    /// variables inside <see cref="Recording.Off"/>, so that it would seem not to depend on them.</exception>
    public static Variable[] Of(
        Variable y, IReadOnlyList<Variable> wrt, Variable? cotangent = null, bool createGraph = false)
    {
        for (int i = 0; i < wrt.Count; i++)
        {
            if (!wrt[i].RequiresGradient)
            {
                throw new ArgumentException(
                    $"Input {i}, a {wrt[i]}, is a constant: what is made of it is not recorded. Make it by Variable.Leaf.",
                    nameof(wrt));
            }
        }
        if (y.IsUnrecorded && !y.RequiresGradient)
        {
            throw new ArgumentException(
                $"The result, a {y}, was made inside Recording.Off: what it depends on is not known. Make it outside, or " +
                "inside Recording.On.", nameof(y));
        }
        using IDisposable _ = createGraph ? Recording.On() : Recording.Off();
        Variable[] found = Walk(y, wrt, cotangent, stopAt: null);

        // A VJP may hand its cotangent on as it is; without a graph the result must not lead into the caller's.
        return createGraph ? found : [.. found.Select(x => x.Detach())];
    }

    /// <summary>The cotangent of one variable: see the other overload.</summary>
    public static Variable Of(Variable y, Variable wrt, Variable? cotangent = null, bool createGraph = false) =>
        Of(y, [wrt], cotangent, createGraph)[0];

    /// <summary>As <see cref="Of(Variable, IReadOnlyList{Variable}, Variable?, bool)"/>, with recording as it is and
    /// without a look at what <paramref name="stopAt"/> is made of.</summary>
    internal static Variable[] Within(
        Variable y, IReadOnlyList<Variable> wrt, IReadOnlyList<Variable> stopAt, Variable cotangent) =>
        Walk(y, wrt, cotangent, new HashSet<Variable>(stopAt, ReferenceEqualityComparer.Instance));

    private static Variable[] Walk(
        Variable y, IReadOnlyList<Variable> wrt, Variable? cotangent, HashSet<Variable>? stopAt)
    {
        if (cotangent is null && y.Shape.Count != 1)
            throw new ShapeException($"A gradient starts at a scalar, got {y.Shape}. Sum it, or give a cotangent.");
        // What no graph records is dead when it has been handed on: its memory serves the next, while it is in the caches.
        using TensorScope? scope = Recording.IsOn ? null : TensorScope.Begin();
        cotangent ??= Variable.Constant(Tensor.Full(y.Value.Backend, y.Value.DType, y.Shape, 1));
        if (cotangent.Shape != y.Shape)
            throw new ShapeException($"The cotangent {cotangent.Shape} of a result {y.Shape} must have its shape.");

        var between = new HashSet<Variable>(wrt, ReferenceEqualityComparer.Instance);
        List<Node> order = Between(y, between, stopAt);
        var cotangents = new Cotangents(y, cotangent, wrt, scope);
        for (int i = order.Count - 1; i >= 0; i--)
            Propagate(order[i], between, cotangents);

        Variable[] found = [.. wrt.Select(x => cotangents.Of(x)
            ?? Variable.Constant(Tensor.Full(x.Value.Backend, x.Value.DType, x.Shape, 0)))];
        foreach (Variable result in found)
            scope?.Keep(result.Value);
        return found;
    }

    // The applications between y and wrt in the order of their making; their outputs are added to the set.
    private static List<Node> Between(Variable y, HashSet<Variable> between, HashSet<Variable>? stopAt)
    {
        var seen = new HashSet<Node>();
        var reachable = new List<Node>();
        var pending = new Stack<Variable>([y]);
        while (pending.TryPop(out Variable? variable))
        {
            if (variable.Source is not { } source || stopAt?.Contains(variable) == true || !seen.Add(source))
                continue;
            reachable.Add(source);
            foreach (Variable input in source.Inputs)
                pending.Push(input);
        }
        reachable.Sort((a, b) => a.Order.CompareTo(b.Order));
        var order = new List<Node>(reachable.Count);
        foreach (Node application in reachable)
        {
            if (!application.Inputs.Any(between.Contains))
                continue;
            order.Add(application);
            between.UnionWith(application.Outputs);
        }
        return order;
    }

    private static void Propagate(
        Node application, HashSet<Variable> between, Cotangents cotangents)
    {
        Variable?[] given = [.. application.Outputs.Select(cotangents.Of)];
        if (given.All(c => c is null))
            return;
        bool[] needs = [.. application.Inputs.Select(between.Contains)];
        Variable?[] found = Vjp(application.With(given, needs));
        for (int i = 0; i < needs.Length; i++)
        {
            Variable input = application.Inputs[i];
            if (!needs[i] || found[i] is not { } contribution)
                continue;
            if (contribution.Shape != input.Shape)
            {
                throw new ShapeException(
                    $"{application.Op}: the cotangent of input {i} has the shape {contribution.Shape}, " +
                    $"the input {input.Shape}.");
            }
            cotangents.Add(input, contribution);
        }
        foreach (Variable output in application.Outputs)
            cotangents.End(output);
    }

    private static Variable?[] Vjp(Node at)
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

    /// <summary>The cotangents of a walk. One that has been handed on goes back to the pool, unless it is asked for, another
    /// shares its memory, or it was there before the walk.</summary>
    private sealed class Cotangents
    {
        private readonly Dictionary<Variable, Variable> _found = new(ReferenceEqualityComparer.Instance);
        private readonly Dictionary<Storage, int> _uses = new(ReferenceEqualityComparer.Instance);
        private readonly HashSet<Variable> _wanted;
        private readonly TensorScope? _scope;

        public Cotangents(Variable y, Variable cotangent, IReadOnlyList<Variable> wanted, TensorScope? scope)
        {
            _wanted = new HashSet<Variable>(wanted, ReferenceEqualityComparer.Instance);
            _scope = scope;
            Set(y, cotangent);
        }

        public Variable? Of(Variable x) => _found.GetValueOrDefault(x);

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

        /// <summary>Everything that x was made of has its share.</summary>
        public void End(Variable x)
        {
            if (!_wanted.Contains(x) && _found.Remove(x, out Variable? cotangent))
                Use(cotangent, -1);
        }

        private void Set(Variable x, Variable cotangent)
        {
            _found[x] = cotangent;
            Use(cotangent, +1);
        }

        private void Use(Variable cotangent, int change)
        {
            Storage storage = cotangent.Value.Storage;
            int uses = _uses[storage] = _uses.GetValueOrDefault(storage) + change;
            if (uses == 0 && _scope?.Owns(cotangent.Value) == true)
                storage.Release();
        }
    }
}
