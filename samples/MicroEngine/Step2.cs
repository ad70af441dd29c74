namespace InfMatch.Samples.MicroEngine;

/// <summary>
/// Step 2. One walk instead of all paths.
///
/// Ask at each node only: how much does the result move if I move? Call that the cotangent. It is complete when every
/// user of the node has added its share, so the nodes are visited from the result backwards, each behind all its users.
/// The reverse of the order in which they were made is such an order: nobody uses what is not made yet. The library
/// does the same: a Node of it has a number that counts, and Gradient sorts by it.
///
/// What is still missing: the slope is a plain number. It cannot be differentiated again.
/// </summary>
internal static class Step2
{
    private static long s_made;

    public sealed class Node(double number, params (Node Of, double LocalSlope)[] madeOf)
    {
        public double Number { get; } = number;

        public (Node Of, double LocalSlope)[] MadeOf { get; } = madeOf;

        public long Order { get; } = s_made++;

        public static Node operator +(Node a, Node b) => new(a.Number + b.Number, (a, 1), (b, 1));

        public static Node operator *(Node a, Node b) => new(a.Number * b.Number, (a, b.Number), (b, a.Number));
    }

    public static double Slope(Func<Node, Node> f, double at)
    {
        var x = new Node(at);
        Node result = f(x);
        var cotangents = new Dictionary<Node, double> { [result] = 1 };
        // The queue gives the node that was made last: all that use it have been visited.
        var pending = new PriorityQueue<Node, long>([(result, -result.Order)]);
        while (pending.TryDequeue(out Node? node, out _))
        {
            foreach ((Node of, double localSlope) in node.MadeOf)
            {
                if (!cotangents.ContainsKey(of))
                    pending.Enqueue(of, -of.Order);
                cotangents[of] = cotangents.GetValueOrDefault(of) + localSlope * cotangents[node];
            }
        }
        return cotangents.GetValueOrDefault(x);
    }
}
