using InfMatch.Nn;
using InfMatch.Tensors;

namespace InfMatch.Tests.Nn;

public sealed class ArchitecturesTests
{
    private static readonly Shape s_photograph = new(3, 32, 32), s_digit = new(1, 28, 28), s_large = new(3, 64, 64);

    private static readonly NetworkOptions s_small = new() { Width = 8, Depth = 2 };

    [Fact]
    public void Every_name_makes_a_network_for_the_sizes_of_its_definition()
    {
        foreach (string name in Architectures.Names)
        {
            foreach (Shape image in new[] { s_digit, s_photograph })
            {
                Network network = Architectures.Create(name, image, 10);
                Assert.StartsWith(name, network.Name, StringComparison.Ordinal);
                Assert.True(network.ActivationCount > image.Count);
            }
        }
        Assert.Equal(10, Architectures.Create("convnet", s_large, 10, new NetworkOptions { Depth = 4 }).Classes);
        Assert.Equal("mlp-12288-128-128-10", Architectures.Create("mlp", s_large, 10).Name);
    }

    [Theory]
    [InlineData("resnet18", "leave 2×2 positions before the linear layer, its definition has 1×1")]
    [InlineData("vgg11", "leave 2×2 positions before the linear layer, its definition has 1×1")]
    [InlineData("alexnet", "leave 8×8 positions before the linear layer, its definition has 4×4")]
    [InlineData("lenet", "leave 13×13 positions before the linear layer, its definition has 5×5")]
    public void Images_that_a_definition_does_not_take_are_refused(string name, string reason) =>
        Assert.Contains(
            $"{name}: images [3, 64, 64] {reason}",
            Assert.Throws<ShapeException>(() => Architectures.Create(name, s_large, 10)).Message, StringComparison.Ordinal);

    [Fact]
    public void Unknown_names_and_batch_norm_are_refused_with_the_reason()
    {
        string Refused(string name, string norm = "instance", string pooling = "avg")
        {
            var options = new NetworkOptions { Norm = norm, Pooling = pooling };
            return Assert.Throws<ArgumentException>(
                () => Architectures.Create(name, s_photograph, 10, options)).Message;
        }
        Assert.StartsWith(
            "There is no network 'vgg'. Choose alexnet, convnet, lenet, mlp, resnet18, vgg11.", Refused("vgg"),
            StringComparison.Ordinal);
        Assert.Contains("batch norm keeps running statistics", Refused("convnet", norm: "batch"), StringComparison.Ordinal);
        Assert.Contains("no norm 'inst'", Refused("convnet", norm: "inst"), StringComparison.Ordinal);
        Assert.Contains("no pooling 'mean'", Refused("convnet", pooling: "mean"), StringComparison.Ordinal);
        Assert.Contains(
            "width 6 must be a multiple",
            Assert.Throws<ShapeException>(() => Architectures.Create(
                "convnet", s_photograph, 10, new NetworkOptions { Width = 6, Norm = "group" })).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void Different_functions_have_different_names()
    {
        string[] names =
        [
            .. from norm in Architectures.Norms
               from pooling in Architectures.Poolings
               select Architectures.Create(
                   "convnet", s_photograph, 10, s_small with { Norm = norm, Pooling = pooling }).Name,
            .. Architectures.Names.Where(name => name != "convnet")
                .Select(name => Architectures.Create(name, s_photograph, 10).Name),
        ];
        Assert.Distinct(names, StringComparer.Ordinal);
        Assert.Equal(4 * 3 + 5, names.Length);
        Assert.Contains("convnet-d2-w8", names, StringComparer.Ordinal);
        Assert.Equal("convnet-d2-w8", Architectures.Describe("convnet", s_small));
        Assert.Equal(
            "convnet-d2-w8-groupnorm-maxpool",
            Architectures.Describe("convnet", s_small with { Norm = "group", Pooling = "max" }));
        Assert.Equal(
            "convnet-d2-w8-nonorm-nopool",
            Architectures.Describe("convnet", s_small with { Norm = "none", Pooling = "none" }));
        Assert.Equal("convnet-d2-w8-layernorm", Architectures.Describe("convnet", s_small with { Norm = "layer" }));
    }
}
