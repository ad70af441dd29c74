namespace InfMatch.Samples.MicroEngine;

/// <summary>
/// Step 4. Arrays, and rules that have a name.
///
/// Two changes make this an engine. A node holds an array, so that one node stands for a million additions and the cost
/// of the graph does not count. And what a node does is no longer a closure but an object, a <see cref="Rule"/>, with the
/// two functions that belong together: forward, in numbers, and the adjoint, in values. Being objects, rules can be
/// listed, printed and tested one by one.
///
/// Note the pair at the end. A sum takes an array to a number; its adjoint takes a number to an array of copies, whose
/// adjoint is the sum. Such pairs are everywhere: slice and pad, gather and scatter, the three forms of a convolution.
///
/// In the library: Value is Variable, Rule is Op with Forward and Vjp, Walk is Gradient.Of, and Hvp is Differential.Hvp.
/// It adds what numbers of real size need: devices, memory that is given back, shapes that are checked, and two orders
/// of tests for every rule (see the sample CustomOperation).
/// </summary>
internal static class Step4
{
    private static long s_made;

    public sealed class Value(double[] numbers, Rule? rule = null, params Value[] inputs)
    {
        public double[] Numbers { get; } = numbers;

        public Rule? Rule { get; } = rule;

        public Value[] Inputs { get; } = inputs;

        public long Order { get; } = s_made++;

        public static Value operator +(Value a, Value b) => new Add().On(a, b);

        public static Value operator *(Value a, Value b) => new Multiply().On(a, b);

        public Value Sum() => new Sum(Numbers.Length).On(this);
    }

    /// <summary>What a node does.</summary>
    public abstract record Rule
    {
        public abstract double[] Forward(double[][] inputs);

        /// <summary>The cotangent of each input from that of the output.</summary>
        public abstract Value[] Adjoint(Value[] inputs, Value cotangent);

        public Value On(params Value[] inputs) => new(Forward([.. inputs.Select(x => x.Numbers)]), this, inputs);
    }

    private sealed record Add : Rule
    {
        public override double[] Forward(double[][] x) => [.. x[0].Zip(x[1], (a, b) => a + b)];

        public override Value[] Adjoint(Value[] x, Value c) => [c, c];
    }

    private sealed record Multiply : Rule
    {
        public override double[] Forward(double[][] x) => [.. x[0].Zip(x[1], (a, b) => a * b)];

        public override Value[] Adjoint(Value[] x, Value c) => [c * x[1], c * x[0]];
    }

    private sealed record Sum(int Count) : Rule
    {
        public override double[] Forward(double[][] x) => [x[0].Sum()];

        public override Value[] Adjoint(Value[] x, Value c) => [new Copies(Count).On(c)];
    }

    private sealed record Copies(int Count) : Rule
    {
        public override double[] Forward(double[][] x) => [.. Enumerable.Repeat(x[0][0], Count)];

        public override Value[] Adjoint(Value[] x, Value c) => [new Sum(Count).On(c)];
    }

    /// <summary>The cotangent of x from that of y, made of values.</summary>
    public static Value Walk(Value y, Value x, Value cotangent)
    {
        var cotangents = new Dictionary<Value, Value> { [y] = cotangent };
        var pending = new PriorityQueue<Value, long>([(y, -y.Order)]);
        while (pending.TryDequeue(out Value? value, out _))
        {
            Value[] shares = value.Rule?.Adjoint(value.Inputs, cotangents[value]) ?? [];
            foreach ((Value input, Value share) in value.Inputs.Zip(shares))
            {
                if (!cotangents.TryGetValue(input, out Value? sum))
                    pending.Enqueue(input, -input.Order);
                cotangents[input] = sum is null ? share : sum + share;
            }
        }
        return cotangents.GetValueOrDefault(x) ?? new Value(new double[x.Numbers.Length]);
    }

    /// <summary>∇²f(x)·v, as the gradient of ⟨∇f(x), v⟩: a walk over what a walk left behind.</summary>
    public static double[] Hvp(Func<Value, Value> f, double[] at, double[] v)
    {
        var x = new Value(at);
        Value gradient = Walk(f(x), x, new Value([1]));
        return Walk(gradient, x, new Value(v)).Numbers;
    }
}
