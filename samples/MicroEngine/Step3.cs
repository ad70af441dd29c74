namespace InfMatch.Samples.MicroEngine;

/// <summary>
/// Step 3. A slope that has a slope.
///
/// In step 2 a local slope was a double, and what a double was made of is lost. Here each node keeps a rule that makes
/// the cotangents of its inputs from its own as nodes, by the same +, · and sin that everybody uses. The walk then leaves
/// nodes behind it, and a walk over those is the second derivative. That is all there is to gradients of gradients: no
/// second set of rules, but one set that is written in the language it explains. It needs one thing: the language must
/// be closed. The rule of sin needs a cosine, so there must be a cosine node, and its rule needs sin.
/// </summary>
internal static class Step3
{
    private static long s_made;

    public sealed class Node(double number, Func<Node, (Node Of, Node Cotangent)[]>? rule = null)
    {
        public double Number { get; } = number;

        /// <summary>The cotangents of what this was made of, from its own.</summary>
        public Func<Node, (Node Of, Node Cotangent)[]> Rule { get; } = rule ?? (_ => []);

        public long Order { get; } = s_made++;

        public static Node operator +(Node a, Node b) => new(a.Number + b.Number, c => [(a, c), (b, c)]);

        public static Node operator *(Node a, Node b) => new(a.Number * b.Number, c => [(a, c * b), (b, c * a)]);

        public static Node operator -(Node a) => new Node(-1) * a;

        public Node Sin() => new(Math.Sin(Number), c => [(this, c * Cos())]);

        public Node Cos() => new(Math.Cos(Number), c => [(this, c * -Sin())]);
    }

    /// <summary>From a function to its derivative, which is a function like any other.</summary>
    public static Func<Node, Node> Grad(Func<Node, Node> f) => x =>
    {
        Node result = f(x);
        var cotangents = new Dictionary<Node, Node> { [result] = new(1) };
        var pending = new PriorityQueue<Node, long>([(result, -result.Order)]);
        while (pending.TryDequeue(out Node? node, out _))
        {
            if (node == x)
                break; // what x itself was made of is no part of this derivative
            foreach ((Node of, Node cotangent) in node.Rule(cotangents[node]))
            {
                if (!cotangents.TryGetValue(of, out Node? sum))
                    pending.Enqueue(of, -of.Order);
                cotangents[of] = sum is null ? cotangent : sum + cotangent;
            }
        }
        return cotangents.GetValueOrDefault(x) ?? new Node(0);
    };
}
