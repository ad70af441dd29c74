using InfMatch.Autograd;
using InfMatch.Influence;
using InfMatch.Methods;
using InfMatch.Nn;
using InfMatch.Tensors;

namespace InfMatch.Tests.Methods;

/// <summary>Exact mixed products of a large S are taken of some images at a time.</summary>
public sealed class ExactPartsTests
{
    private static readonly RandomKey s_key = RandomKey.FromSeed(5);

    // 130 images in parts that do not divide them; stored images of four tiles count four times.
    [Theory]
    [InlineData(AugmentationOps.None, false, 1)]
    [InlineData(AugmentationOps.None, true, 2)]
    [InlineData(AugmentationOps.Color, true, 1)]
    [InlineData(AugmentationOps.Rotate, true, 1)]
    public void Parts_give_the_product_of_the_whole_and_the_same_bits_on_any_number_of_threads(
        AugmentationOps ops, bool siamese, int factor)
    {
        double[][]? first = null;
        foreach (int threads in new[] { 1, 2, 3 })
        {
            var backend = new CpuBackend(threads);
            using var scope = TensorScope.Begin();
            (Tensor theta, SyntheticLoss loss, SyntheticSet s, Tensor v) = Problem(backend, ops, siamese, factor);
            int? part = loss.RowsAtOnce(backend, s.Count);
            Assert.InRange(part ?? 0, 5, s.Count - 1);
            Assert.NotEqual(0, s.Count % part);
            double[][] found = Numbers(new SecondOrderProducts(SecondDerivatives.Exact).Mixed(theta, loss, s, v));
            if (first is null)
            {
                first = found;
                Tensor[] whole = MixedProduct.Exact(loss.At, theta, v, [s.Images, s.LabelLogits]);
                for (int i = 0; i < 2; i++)
                {
                    double[] expected = whole[i].ToArray<double>();
                    double size = expected.Max(Math.Abs);
                    Assert.True(size > 0);
                    Assert.All(expected.Zip(found[i]), p => Assert.Equal(p.First, p.Second, 1e-12 * size));
                }
                continue;
            }
            Assert.Equal(first[0], found[0]);
            Assert.Equal(first[1], found[1]);
        }
    }

    [Fact]
    public void Images_that_draw_by_their_place_are_taken_together_and_so_are_those_of_other_backends()
    {
        var backend = new CpuBackend(2);
        using var scope = TensorScope.Begin();
        (Tensor theta, SyntheticLoss loss, SyntheticSet s, Tensor v) = Problem(backend, AugmentationOps.Color, siamese: false, 1);
        Assert.Null(loss.RowsAtOnce(backend, s.Count));
        double[][] found = Numbers(new SecondOrderProducts(SecondDerivatives.Exact).Mixed(theta, loss, s, v));
        Assert.Equal(MixedProduct.Exact(loss.At, theta, v, [s.Images, s.LabelLogits]).Select(m => m.ToArray<double>()), found);
        (_, SyntheticLoss plain, _, _) = Problem(backend, AugmentationOps.None, siamese: true, 1);
        Assert.Equal(int.MaxValue, plain.RowsAtOnce(new ReferenceBackend(), 12));
    }

    // Draws by the place of an image in S, minibatches and tiles: what leads from S to what the network sees is differentiated once.
    [Theory]
    [InlineData(AugmentationOps.None, 1, 0)]
    [InlineData(AugmentationOps.Photographs, 1, 0)]
    [InlineData(AugmentationOps.Color, 2, 0)]
    [InlineData(AugmentationOps.Photographs, 1, 97)]
    public void A_step_of_a_walk_takes_rows_at_a_time_with_the_products_of_the_whole_and_the_same_bits_on_any_number_of_threads(
        AugmentationOps ops, int factor, int batch)
    {
        double[][]? first = null;
        foreach (int threads in new[] { 1, 2, 3 })
        {
            var backend = new CpuBackend(threads);
            using var scope = TensorScope.Begin();
            (Tensor theta, SyntheticLoss loss, SyntheticSet s, Tensor v) = Problem(backend, ops, siamese: false, factor, batch);
            int rows = (batch > 0 ? batch : s.Count) * factor * factor;
            SeenRows seen = loss.Seen(backend, [.. s.Tensors.Select(Variable.Leaf)])!;
            Assert.All(seen.Rows, row => Assert.Equal(rows, row.Shape[0]));
            Assert.InRange(seen.AtOnce, 5, rows - 1);
            Assert.NotEqual(0, rows % seen.AtOnce);
            long passed = backend.ImagesPassed;
            (Tensor hessian, SyntheticGradient mixed) =
                new SecondOrderProducts(SecondDerivatives.Exact).HessianAndMixed(theta, loss, s, v);
            Assert.Equal(rows, backend.ImagesPassed - passed);
            double[][] found = [.. Numbers(mixed), hessian.ToArray<double>()];
            if (first is null)
            {
                first = found;
                double[][] whole =
                [
                    .. MixedProduct.Exact(loss.At, theta, v, [s.Images, s.LabelLogits]).Select(m => m.ToArray<double>()),
                    Differential.Hvp(loss.Of(s), theta, v).ToArray<double>(),
                ];
                for (int i = 0; i < whole.Length; i++)
                {
                    double size = whole[i].Max(Math.Abs);
                    Assert.True(size > 0);
                    Assert.All(whole[i].Zip(found[i]), p => Assert.Equal(p.First, p.Second, 1e-12 * size));
                }
                continue;
            }
            for (int i = 0; i < found.Length; i++)
                Assert.Equal(first[i], found[i]);
        }
    }

    private static (Tensor Theta, SyntheticLoss Loss, SyntheticSet S, Tensor V) Problem(
        Backend backend, AugmentationOps ops, bool siamese, int factor, int batch = 0)
    {
        var network = new ConvNet(new Shape(3, 12, 12), 3, width: 12, depth: 2, Activation.Softplus);
        const int count = 131;
        Tensor theta = network.Initialise(backend, DType.Float64, s_key.Split("init"));
        var loss = new ImageLoss(network, new Augmentation(ops), s_key.Split("augmentation"), siamese)
        {
            Factor = factor, BatchSize = batch,
        };
        var s = new SyntheticSet(
            Normal(backend, "images", new Shape(count, 3, 12, 12)), Normal(backend, "logits", new Shape(count, 3)), 1)
        {
            Factor = factor,
        };
        return (theta, loss, s, Normal(backend, "direction", theta.Shape));
    }

    private static Tensor Normal(Backend backend, string name, Shape shape)
    {
        var values = new double[shape.Count];
        s_key.Split(name).Normal(values);
        return Tensor.From(backend, DType.Float64, values, shape);
    }

    private static double[][] Numbers(SyntheticGradient gradient) =>
        [gradient.Images.ToArray<double>(), gradient.LabelLogits.ToArray<double>()];
}
