using System.Text.Json;
using InfMatch.Autograd;
using InfMatch.Influence;
using InfMatch.Methods;
using InfMatch.Nn;
using InfMatch.Tensors;
using InfMatch.Tests.Autograd;
using InfMatch.Tests.Golden;

namespace InfMatch.Tests.Nn;

public sealed class TilesTests
{
    private readonly ReferenceBackend _backend = new();

    public static TheoryData<string> Backends() => [.. TestBackends.All.Select(b => b.Name)];

    [Theory, MemberData(nameof(Backends))]
    public void Tiles_are_enlarged_as_by_PyTorch(string name)
    {
        TestBackend on = TestBackends.Named(name);
        foreach (JsonElement golden in GoldenNumbers.Protocols.GetProperty("decode").EnumerateArray())
        {
            int[] sizes = [.. golden.GetProperty("shape").EnumerateArray().Select(v => v.GetInt32())];
            int factor = golden.GetProperty("factor").GetInt32();
            Tensor x = Tensor.From(on.Shared, on.DType, golden.Numbers("images"), new Shape(sizes));
            Tensor y = Variable.Constant(x).EnlargeTiles(factor).Value;
            sizes[0] *= factor * factor;
            Assert.Equal(new Shape(sizes), y.Shape);
            double[] expected = golden.Numbers("decoded"), found = y.ToArray<double>();
            double tolerance = on.DType == DType.Float64 ? 1e-14 : 2e-6;
            Assert.All(expected.Zip(found), pair => Assert.Equal(pair.First, pair.Second, tolerance));
        }
    }

    [Fact]
    public void Enlarging_is_linear_and_differentiable_to_any_order()
    {
        Tensor x = Draw(new Shape(2, 2, 4, 6), 1);
        Variable Function(IReadOnlyList<Variable> v) => (v[0].EnlargeTiles(2).Tanh() * 0.5).Exp();
        Assert.Equal(x.Count, GradCheck.FirstOrder(Function, [x]).Comparisons);
        GradCheck.SecondOrder(Function, [x], new GradCheckOptions(OneDirection: true));

        // ⟨Ax, y⟩ = ⟨x, Aᵀy⟩.
        Tensor y = Draw(new Shape(8, 2, 4, 6), 2);
        Variable leaf = Variable.Leaf(x), product = leaf.EnlargeTiles(2).Dot(Variable.Constant(y));
        Assert.Equal(product.Value.ToScalar(), Gradient.Of(product, leaf).Value.Dot(x), 1e-12);
    }

    [Fact]
    public void Tiles_of_one_colour_come_back_and_each_image_keeps_its_place()
    {
        const int n = 8, factor = 2;
        Tensor flat = Tensor.From<double>(
            _backend, [.. Enumerable.Range(0, n * 3 * 16).Select(i => (double)(i / 16))], new Shape(n, 3, 4, 4));
        Tensor packed = Tiles.Pack(flat, factor);
        Assert.Equal(new Shape(n / 4, 3, 4, 4), packed.Shape);
        Assert.Equal(flat.ToArray<double>(), Variable.Constant(packed).EnlargeTiles(factor).Value.ToArray<double>());
        // The top right tile of the first stored image is the second image, shrunk.
        Assert.Equal([0, 0, 3, 3, 0, 0, 3, 3], packed.ToArray<double>()[..8]);
        Assert.Equal([6, 6, 9, 9], packed.ToArray<double>()[8..12]);
    }

    [Fact]
    public void Packing_takes_the_mean_of_squares()
    {
        Tensor x = Draw(new Shape(4, 1, 4, 4), 3);
        double[] from = x.ToArray<double>(), to = Tiles.Pack(x, 2).ToArray<double>();
        for (int image = 0; image < 4; image++)
        for (int row = 0; row < 2; row++)
        for (int column = 0; column < 2; column++)
        {
            int at = image * 16 + row * 8 + column * 2;
            double mean = (from[at] + from[at + 1] + from[at + 4] + from[at + 5]) / 4;
            Assert.Equal(mean, to[(image / 2 * 2 + row) * 4 + image % 2 * 2 + column], 1e-15);
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void Labels_of_tiles_are_the_images_or_their_own(int factor)
    {
        int tiles = factor * factor;
        Tensor shared = Draw(new Shape(3, 4), 5);
        double[] ofImages = Variable.Constant(shared).TileLabels(factor).Value.ToArray<double>();
        double[] soft = Variable.Constant(shared).Softmax().Value.ToArray<double>();
        Assert.Equal(soft.Chunk(4).SelectMany(row => Enumerable.Repeat(row, tiles).SelectMany(r => r)), ofImages);
        Tensor spread = Tiles.LogitsOfTiles(shared, factor);
        Assert.Equal(new Shape(3, tiles, 4), spread.Shape);
        Assert.Equal(ofImages, Variable.Constant(spread).TileLabels(factor).Value.ToArray<double>());

        Tensor own = Draw(new Shape(3, tiles, 4), 6);
        Variable labels = Variable.Constant(own).TileLabels(factor);
        Assert.Equal(new Shape(3 * tiles, 4), labels.Shape);
        Assert.Equal(
            Variable.Constant(own.View(0, new Shape(3 * tiles, 4))).Softmax().Value.ToArray<double>(), labels.Value.ToArray<double>());
        Variable Function(IReadOnlyList<Variable> v) => (v[0].TileLabels(factor) * 3).Tanh();
        GradCheck.FirstOrder(Function, [own]);
        GradCheck.SecondOrder(Function, [own], new GradCheckOptions(OneDirection: true));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(4)]
    public void Some_tiles_are_those_rows_of_all(int factor)
    {
        Tensor images = Draw(new Shape(3, 2, 4, 8), 9);
        int all = 3 * factor * factor;
        int[] tiles = [all - 1, 0, all / 2, 0];
        Variable Function(IReadOnlyList<Variable> v) => v[0].EnlargeTiles(factor, tiles);
        Assert.Equal(
            Variable.Constant(images).EnlargeTiles(factor).GatherRows(tiles).Value.ToArray<double>(),
            Function([Variable.Constant(images)]).Value.ToArray<double>());
        GradCheck.FirstOrder(Function, [images]);
        GradCheck.SecondOrder(v => Function(v).Tanh(), [images], new GradCheckOptions(OneDirection: true));
    }

    [Fact]
    public void Labels_of_other_tiles_are_refused()
    {
        Variable logits = Variable.Constant(Draw(new Shape(3, 4, 5), 7));
        Assert.Contains(
            "neither of images nor of their 3×3 tiles", Assert.Throws<ShapeException>(() => logits.TileLabels(3)).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void What_cannot_be_cut_is_refused()
    {
        Variable x = Variable.Constant(Draw(new Shape(1, 1, 4, 6), 4));
        Assert.Same(x, x.EnlargeTiles(1));
        Assert.Contains("4×4 equal tiles", Assert.Throws<ShapeException>(() => x.EnlargeTiles(4)).Message);
        Assert.Throws<ShapeException>(() => x.EnlargeTiles(0));
        Assert.Contains(
            "do not fill", Assert.Throws<ShapeException>(() => Tiles.Pack(x.Value, 2)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_set_of_tiles_is_trained_and_matched_as_its_enlarged_images()
    {
        var network = new ConvNet(new Shape(1, 8, 8), 2, width: 2, depth: 1, Activation.Softplus);
        var s = new SyntheticSet(Draw(new Shape(2, 1, 8, 8), 5), Draw(new Shape(2, 2), 6), 1) { Factor = 2 };
        LabelledImages seen = s.AsTrainingSet();
        Assert.Equal((8, 8), (seen.Count, seen.Labels.Shape[0]));
        Tensor theta = network.Initialise(_backend, DType.Float64, RandomKey.FromSeed(7));
        var loss = new ImageLoss(network, Augmentation.None, default) { Factor = 2 };
        Variable whole = loss.At(
            Variable.Constant(theta), [Variable.Constant(s.Images), Variable.Constant(s.LabelLogits)]);
        Variable expected = network.Loss(
            Variable.Constant(theta), Variable.Constant(seen.Images), Variable.Constant(seen.Labels));
        Assert.Equal(expected.Value.ToScalar(), whole.Value.ToScalar(), 1e-14);

        // dL/dS of both, exactly and by differences.
        Tensor v = Draw(theta.Shape, 8);
        SyntheticGradient exact = new SecondOrderProducts(SecondDerivatives.Exact).Mixed(theta, loss, s, v);
        SyntheticGradient near = new SecondOrderProducts(SecondDerivatives.FiniteDifference).Mixed(theta, loss, s, v);
        ConvNetTests.AssertClose(exact.Images, near.Images, 1e-6);
        ConvNetTests.AssertClose(exact.LabelLogits, near.LabelLogits, 1e-6);
    }

    private Tensor Draw(Shape shape, ulong seed)
    {
        var values = new double[shape.Count];
        RandomKey.FromSeed(seed).Normal(values);
        return Tensor.From<double>(_backend, values, shape);
    }
}
