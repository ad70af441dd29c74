using InfMatch.Autograd;
using InfMatch.Nn;
using InfMatch.Tensors;

namespace InfMatch.Methods;

/// <summary>
/// Forgetting (Toneva et al., ICLR 2019): the pairs that a training most often gets wrong after it had them right, and before all
/// those that it never has right. After each epoch a pair is right where, among <see cref="Rivals"/> pairs that are always the
/// same, its image finds its text and its text its image.
/// </summary>
public sealed class ForgettingSelection : PairSelection
{
    /// <summary>The pairs among which one is to be found.</summary>
    public const int Rivals = 100;

    /// <inheritdoc/>
    public override string Name => "forgetting";

    /// <inheritdoc/>
    public override string Help => "real pairs that a training forgets most often (Toneva et al., ICLR 2019)";

    /// <inheritdoc/>
    protected override int[] Chosen(SelectionContext context, int count)
    {
        using var scope = TensorScope.Begin();
        RandomKey key = context.Key.Split("forgetting");
        (PairNetwork network, LabelledImages pairs) = (context.Network, context.Pairs);
        LabelledImages seen = pairs.WithOneLabelEach(key.Split("texts"));
        int[] order = key.Split("groups").Permutation(pairs.Count), events = new int[pairs.Count];
        bool[] isRight = new bool[pairs.Count], wasRight = new bool[pairs.Count];
        var trainer = new Trainer(network, pairs, context.Plan, key.Split("train"));
        Tensor start = network.Initialise(pairs.Images.Backend, pairs.Images.DType, key.Split("init"));
        trainer.Run(start, step =>
        {
            if ((step.Step + 1) % trainer.StepsPerEpoch != 0)
                return;
            bool[] before = [.. isRight];
            foreach (int[] group in order.Chunk(Rivals))
                Find(network, step.Theta, seen, group, isRight);
            for (int i = 0; i < events.Length; i++)
            {
                events[i] += before[i] && !isRight[i] ? 1 : 0;
                wasRight[i] |= isRight[i];
            }
        });
        return [.. order.OrderByDescending(i => wasRight[i] ? events[i] : int.MaxValue).Take(count)];
    }

    private static void Find(PairNetwork network, Tensor theta, LabelledImages seen, int[] group, bool[] isRight)
    {
        using var scope = TensorScope.Begin();
        using IDisposable off = Recording.Off();
        LabelledImages rows = seen.Rows(group);
        PairEmbeddings embedded = network.Embed(
            Variable.Constant(theta), Variable.Constant(rows.Images), Variable.Constant(rows.Labels));
        double[] scores = embedded.Images.MatMul(embedded.Texts, transposeB: true).Value.To(DType.Float64).ToArray<double>();
        int n = group.Length;
        for (int i = 0; i < n; i++)
        {
            double own = scores[i * n + i];
            isRight[group[i]] = Enumerable.Range(0, n).All(j => j == i || (scores[i * n + j] < own && scores[j * n + i] < own));
        }
    }
}
