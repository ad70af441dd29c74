using InfMatch.Autograd;
using InfMatch.Tensors;

namespace InfMatch.Tests.Autograd;

/// <summary>A fused operation equals its composition in value, gradient and Hessian-vector product.</summary>
[Collection(SharedBackends.Name)]
public sealed class FusedOpTests
{
    private delegate Variable Apply(Variable[] inputs);

    public static TheoryData<string, string> Fused()
    {
        var rows = new TheoryData<string, string>();
        foreach (TestBackend backend in TestBackends.InDouble)
        {
            foreach (string name in AllOperations.Samples.Where(s => s.Value.Op is FusedOp).Select(s => s.Key))
                rows.Add(name, backend.Name);
        }
        return rows;
    }

    [Theory, MemberData(nameof(Fused))]
    public void Fused_equals_composed(string name, string on)
    {
        OpSample sample = AllOperations.Samples[name];
        var op = (FusedOp)sample.Op;
        double[][] numbers = AllOperations.Draw(sample);
        Shape[] shapes = [.. sample.Inputs.Select(i => i.Shape)];
        AssertEqual(on, numbers, shapes, x => op.On(x), x => op.Compose(x));
    }

    [Theory, MemberData(nameof(Backends))]
    public void The_same_variable_may_be_given_twice(string on)
    {
        var op = new NormReluPool(new Pool2dGeometry(1, 2, 4, 4, 2), 1e-2);
        (double[][] numbers, Shape[] shapes) = Small();
        AssertEqual(on, numbers, shapes, x => op.On(x[0], x[1], x[1]), x => op.Compose([x[0], x[1], x[1]]));
    }

    [Theory, MemberData(nameof(Backends))]
    public void An_input_may_be_made_of_another(string on)
    {
        var op = new NormReluPool(new Pool2dGeometry(1, 2, 4, 4, 2), 1e-2);
        (double[][] numbers, Shape[] shapes) = Small();
        Variable Of(Variable[] x, Apply apply)
        {
            Variable gamma = x[0].SumTo(new Shape(1, 2, 1, 1)).Reshape(new Shape(2)).Sigmoid() + x[1];
            return apply([x[0], gamma, gamma * x[1]]);
        }
        AssertEqual(on, numbers, shapes, x => Of(x, y => op.On(y)), x => Of(x, y => op.Compose(y)));
    }

    [Fact]
    public void Only_what_is_asked_for_is_computed()
    {
        var op = new NormReluPool(new Pool2dGeometry(1, 2, 4, 4, 2), 1e-2);
        (double[][] numbers, Shape[] shapes) = Small();
        var backend = new ReferenceBackend();
        Variable[] x = [.. numbers.Select((v, i) => Variable.Leaf(Tensor.From<double>(backend, v, shapes[i])))];
        Variable gamma = Gradient.Of(op.On(x).Sum(), x)[1];
        foreach (bool createGraph in new[] { false, true })
        {
            Variable y = op.On(x[0].Detach(), x[1], x[2].Detach());
            Variable alone = Gradient.Of(y.Sum(), x[1], createGraph: createGraph);
            Assert.Equal(gamma.Value.ToArray<double>(), alone.Value.ToArray<double>(), (a, b) => Math.Abs(a - b) < 1e-12);
        }
    }

    public static TheoryData<string> Backends() => [.. TestBackends.InDouble.Select(b => b.Name)];

    private static (double[][] Numbers, Shape[] Shapes) Small()
    {
        var random = new TestNumbers(21);
        return (
            [random.Numbers(32), random.Numbers(2, 0.5, 1.5), random.Numbers(2)],
            [new Shape(1, 2, 4, 4), new Shape(2), new Shape(2)]);
    }

    private static void AssertEqual(string on, double[][] numbers, Shape[] shapes, Apply fused, Apply composed)
    {
        Backend backend = TestBackends.Named(on).Shared;
        using TensorScope scope = TensorScope.Begin();
        double[][][] results = [.. new[] { fused, composed }.Select(f => All(backend, numbers, shapes, f))];
        Assert.Contains(results[0][0], value => value != 0);
        for (int k = 0; k < results[0].Length; k++)
        {
            for (int i = 0; i < results[0][k].Length; i++)
            {
                double expected = results[1][k][i], found = results[0][k][i];
                Assert.True(
                    Math.Abs(expected - found) <= 1e-11 * Math.Max(1, Math.Abs(expected)),
                    $"result {k}, element {i}: composed {expected:G17}, fused {found:G17}.");
            }
        }
    }

    // The value, the gradient without a graph (the fused kernel) and with one, and the Hessian-vector product.
    private static double[][] All(Backend backend, double[][] numbers, Shape[] shapes, Apply f)
    {
        Variable[] x = [.. numbers.Select((v, i) => Variable.Leaf(Tensor.From<double>(backend, v, shapes[i])))];
        Variable y = f(x);
        Variable loss = (y * y * y).Sum();
        Variable[] plain = Gradient.Of(loss, x), tracked = Gradient.Of(loss, x, createGraph: true);
        var random = new TestNumbers(4);
        Variable along = x.Select((v, i) => tracked[i].Dot(
            Variable.Constant(Tensor.From<double>(backend, random.Numbers(v.Shape.Count), v.Shape))))
            .Aggregate((a, b) => a + b);
        Variable[] all = [y, .. plain, .. tracked, .. Gradient.Of(along, x)];
        return [.. all.Select(v => v.Value.ToArray<double>())];
    }
}
