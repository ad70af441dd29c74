using InfMatch.Influence;
using InfMatch.Methods;
using InfMatch.Tensors;

namespace InfMatch.Tests.Methods;

public sealed class StoredNetworksTests
{
    private readonly CpuBackend _backend = new(1);

    [Fact]
    public void A_network_between_the_first_and_the_last_lies_on_the_line_between_them()
    {
        using var problem = new TinyProblem(CheckpointSchedule.Every(6), backend: _backend);
        Expert expert = problem.Experts[0];
        var like = Tensor.Full(_backend, DType.Float64, new Shape(1), 0);
        double[] Theta(int k) => expert.Trajectory.Theta(k, _backend, DType.Float64).ToArray<double>();
        double[] Between(double share) => StoredNetworks.Between(expert, share, like).Value.ToArray<double>();
        using var scope = TensorScope.Begin();
        double[] first = Theta(0), last = Theta(6), between = Between(0.75);
        Assert.Equal(first, Between(1));
        Assert.Equal(last, Between(0));
        Assert.All(between.Select((v, i) => (v, 0.75 * first[i] + 0.25 * last[i])), pair => Assert.Equal(pair.Item2, pair.v, 1e-15));
        Assert.NotEqual(first, last);
    }
}
