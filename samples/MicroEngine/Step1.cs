namespace InfMatch.Samples.MicroEngine;

/// <summary>
/// Step 1. The chain rule, as it stands in a book.
///
/// Each number remembers the numbers it was made of, and for each of them how much it would move if that one moved: the
/// local slope. The slope of a result with respect to x is then a sum over all paths from the result to x, of the
/// product of the local slopes on the path. The function below is that sentence.
///
/// What is wrong with it: the number of paths. A value that is used twice in each of 60 lines has 2⁶⁰ of them.
/// </summary>
internal static class Step1
{
    public sealed record Node(double Number, params (Node Of, double LocalSlope)[] MadeOf)
    {
        public static Node operator +(Node a, Node b) => new(a.Number + b.Number, (a, 1), (b, 1));

        public static Node operator *(Node a, Node b) => new(a.Number * b.Number, (a, b.Number), (b, a.Number));

        public Node Sin() => new(Math.Sin(Number), (this, Math.Cos(Number)));
    }

    public static double Slope(Func<Node, Node> f, double at)
    {
        var x = new Node(at);
        return Slope(f(x), x);
    }

    private static double Slope(Node of, Node x) => ReferenceEquals(of, x)
        ? 1
        : of.MadeOf.Sum(input => input.LocalSlope * Slope(input.Of, x));
}
