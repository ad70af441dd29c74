using InfMatch.Tensors;

namespace InfMatch.Autograd;

/// <summary>
/// Reverse-mode differentiation: one walk back from a result over the recorded nodes, newest first, which is a
/// topological order. Only nodes between the result and the variables asked for are visited.
/// </summary>
/// <example>
/// <code>
/// Variable x = Variable.Leaf(Tensor.Of(1, 2)), w = Variable.Leaf(Tensor.Of(3, 4));
/// Variable y = (w * x * x).Sum();
/// Variable[] both = Gradient.Of(y, [x, w]); // 2wx and x²
///
/// // Recorded, a gradient is a variable like any other: here the slope of its length along x.
/// Variable slope = Gradient.Of(y, x, createGraph: true);
/// Variable second = Gradient.Of(slope.Dot(slope), x);
/// </code>
/// </example>
public static class Gradient
{
    /// <summary>
    /// The cotangents (∂y/∂x)ᵀ·ȳ of each x in <paramref name="wrt"/>; zeros where y does not depend on x.
    /// </summary>
    /// <param name="y">The result; a scalar unless <paramref name="cotangent"/> is given.</param>
    /// <param name="wrt">What to differentiate with respect to.</param>
    /// <param name="cotangent">ȳ, of y's shape; 1 where null.</param>
    /// <param name="createGraph">Whether the cotangents are themselves recorded, to be differentiated again.</param>
    /// <exception cref="ShapeException">y is not a scalar and no cotangent is given, or their shapes
    /// differ.</exception>
    /// <exception cref="ArgumentException">An x is a constant, whose gradient is not recorded; or y was made of tracked
    /// variables inside <see cref="Recording.Off"/>, so that it would seem not to depend on them.</exception>
    public static Variable[] Of(
        Variable y, IReadOnlyList<Variable> wrt, Variable? cotangent = null, bool createGraph = false)
    {
        Check(y, wrt);
        using IDisposable _ = createGraph ? Recording.On() : Recording.Off();
        Variable[] found = Walk(y, wrt, cotangent, stopAt: null);

        // A VJP may return its cotangent itself; without a graph the result must not lead into the caller's graph.
        return createGraph ? found : [.. found.Select(x => x.Detach())];
    }

    /// <summary>The cotangent of one variable: see the other overload.</summary>
    public static Variable Of(Variable y, Variable wrt, Variable? cotangent = null, bool createGraph = false) =>
        Of(y, [wrt], cotangent, createGraph)[0];

    /// <summary>As <see cref="Of(Variable, IReadOnlyList{Variable}, Variable?, bool)"/>, but the walk stops at the
    /// variables <paramref name="stopAt"/>, and recording stays on or off as it is.</summary>
    internal static Variable[] Within(
        Variable y, IReadOnlyList<Variable> wrt, IReadOnlyList<Variable> stopAt, Variable cotangent) =>
        Walk(y, wrt, cotangent, new HashSet<Variable>(stopAt, ReferenceEqualityComparer.Instance));

    private static void Check(Variable y, IReadOnlyList<Variable> wrt)
    {
        for (int i = 0; i < wrt.Count; i++)
        {
            if (!wrt[i].RequiresGradient)
            {
                throw new ArgumentException(
                    $"Input {i} ({wrt[i].Description}) is a constant: what is made of it is not recorded. Make it by " +
                    "Variable.Leaf.", nameof(wrt));
            }
        }
        if (y.IsUnrecorded && !y.RequiresGradient)
        {
            throw new ArgumentException(
                $"The result, a {y.Description}, was made inside Recording.Off: what it depends on is not known. Make it " +
                "outside, or inside Recording.On.", nameof(y));
        }
    }

    private static Variable[] Walk(
        Variable y, IReadOnlyList<Variable> wrt, Variable? cotangent, HashSet<Variable>? stopAt)
    {
        using var cotangents = new Cotangents(wrt);
        cotangents.Start(y, cotangent);
        var between = new HashSet<Variable>(wrt, ReferenceEqualityComparer.Instance);
        List<Node> order = Between(y, between, stopAt);
        for (int i = order.Count - 1; i >= 0; i--)
            Propagate(order[i], between, cotangents);
        return cotangents.Results();
    }

    // The nodes between y and wrt, oldest first; their outputs are added to the set.
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
        foreach (Node node in reachable)
        {
            if (!node.Inputs.Any(between.Contains))
                continue;
            order.Add(node);
            between.UnionWith(node.Outputs);
        }
        return order;
    }

    // The chain rule at one node: the cotangents of its outputs, through its VJP, are added to those of its inputs.
    private static void Propagate(Node node, HashSet<Variable> between, Cotangents cotangents)
    {
        Variable?[] given = [.. node.Outputs.Select(cotangents.Of)];
        if (given.All(c => c is null))
            return;
        bool[] needs = [.. node.Inputs.Select(between.Contains)];
        Variable?[] found = Cotangents.Vjp(node.With(given, needs));
        for (int i = 0; i < needs.Length; i++)
        {
            Variable input = node.Inputs[i];
            if (!needs[i] || found[i] is not { } contribution)
                continue;
            if (contribution.Shape != input.Shape)
            {
                throw new ShapeException(
                    $"{node.Op}: the cotangent of input {i} has the shape {contribution.Shape}, the input " +
                    $"{input.Shape}.");
            }
            cotangents.Add(input, contribution);
        }
        foreach (Variable output in node.Outputs)
            cotangents.End(output);
    }
}
