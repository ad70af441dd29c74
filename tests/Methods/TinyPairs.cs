using InfMatch.Influence;
using InfMatch.Methods;
using InfMatch.Nn;
using InfMatch.Tensors;

namespace InfMatch.Tests.Methods;

/// <summary>A dozen pairs with two texts each, small heads and experts on them; every step is recorded.</summary>
internal sealed class TinyPairs : IDisposable
{
    public const int Count = 12, Steps = 9;

    /// <summary>Of the steps on S.</summary>
    public const double Rate = 0.2;

    private readonly string _folder = Directory.CreateTempSubdirectory("infmatch-").FullName;

    public TinyPairs(
        string loss = "infonce", string head = "residual", DType dtype = DType.Float64, Backend? backend = null, int experts = 1,
        double momentum = 0, double rate = 0.2)
    {
        Backend = backend ?? new ReferenceBackend();
        Network = new PairNetwork(
            4, 3, new PairNetworkOptions { Size = 3, Head = ProjectionHead.Of(head), Temperature = 0.5, SimilarityScale = 1.5 });
        RandomKey key = RandomKey.FromSeed(17);
        double[] x = new double[Count * 4], texts = new double[Count * 2 * 3];
        key.Split("images").Normal(x);
        key.Split("texts").Normal(texts);
        for (int k = 0; k < texts.Length; k++)
            texts[k] = 0.3 * texts[k] + x[k / 6 * 4 + k % 3];
        Data = new LabelledImages(
            Tensor.From(Backend, dtype, x, new Shape(Count, 4, 1, 1)), Tensor.From(Backend, dtype, texts, new Shape(Count * 2, 3)))
        {
            LabelsEach = 2,
        };
        var plan = new TrainingPlan(3, 4, rate, momentum, 0, RateSchedule.Constant);
        Experts = [.. Enumerable.Range(0, experts).Select(e => Expert.Record(
            new ExpertTraining(Network, Data, plan, CheckpointSchedule.Every(Steps), key.Split("expert").Split((ulong)e)),
            Path.Combine(_folder, $"{e}.safetensors")))];
        OnSet = Network.With(PairLoss.Named(loss));
        SyntheticSet pairs = SyntheticPairs.Of(Data, [1, 4, 7, 8, 11], key);
        Start = OnSet.Options.Loss.UsesSimilarity ? Mixed(pairs.WithSimilarity(2, key)) : pairs;
        Start = Start with { Numbers = Start.Numbers.SetItem(SyntheticSet.WeightNumber, 0.7).Add(SyntheticSet.RateNumber, Rate) };
    }

    public Backend Backend { get; }

    public PairNetwork Network { get; }

    /// <summary>The heads with the loss that S is trained with.</summary>
    public PairNetwork OnSet { get; }

    public LabelledImages Data { get; }

    public IReadOnlyList<Expert> Experts { get; }

    public SyntheticSet Start { get; }

    public MethodContext Context(MethodValues values, int batch = 0, SecondDerivatives mode = SecondDerivatives.Exact) => new()
    {
        Network = Network, Real = new RealPairs(Data), Experts = Experts, Values = values, Key = RandomKey.FromSeed(18), BatchSyn = batch,
        Products = new SecondOrderProducts(mode), Loss = key => new SyntheticPairLoss(OnSet, key) { BatchSize = batch },
    };

    public EstimationContext Estimation() => new(
        Experts, new SecondOrderProducts(SecondDerivatives.Exact), Data.WithOneLabelEach(RandomKey.FromSeed(19)));

    /// <summary>Methods that take pairs, each with its counts small.</summary>
    public static MethodValues Small(DistillationMethod method)
    {
        MethodValues values = MethodValues.Standard;
        foreach (MethodSetting setting in method.Settings)
        {
            values = setting.Name switch
            {
                "StartMin" => values.With(setting, "0"),
                "Threshold" => values.With(setting, "1000"),
                _ when setting == WindowMean.Windows => values, // an update of several is the matter of WindowMeanTests
                _ when setting is WholeSetting => values.With(setting, "2"),
                _ => values,
            };
        }
        return values;
    }

    // R = 0 would leave L without a gradient, and all a alike say little.
    private static SyntheticSet Mixed(SyntheticSet s) => s.WithTensors([.. s.Parts.Select(part =>
        part.Name is SyntheticPairs.RightPart or SyntheticPairs.DiagonalPart
            ? part.Value.Plus(Tensor.Normal(
                s.Backend, s.DType, part.Value.Shape, RandomKey.FromSeed(20).Split(part.Name), deviation: 0.2))
            : part.Value)]);

    public void Dispose()
    {
        foreach (Expert expert in Experts)
            expert.Dispose();
        Directory.Delete(_folder, recursive: true);
    }
}
