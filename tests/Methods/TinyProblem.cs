using InfMatch.Autograd;
using InfMatch.Influence;
using InfMatch.Methods;
using InfMatch.Nn;
using InfMatch.Tensors;

namespace InfMatch.Tests.Methods;

/// <summary>A smooth network and a handful of random images in float64, small enough to differentiate numerically.</summary>
internal sealed class TinyProblem : IDisposable, IRealData
{
    private readonly string _folder = Directory.CreateTempSubdirectory("infmatch-").FullName;

    public TinyProblem(
        CheckpointSchedule schedule, double momentum = 0, double decay = 0, SecondDerivatives mode = SecondDerivatives.Exact,
        Network? network = null, Backend? backend = null, DType dtype = DType.Float64, double rate = 0.1,
        int experts = 1,
        TrainingPlan? plan = null)
    {
        Backend = backend ?? new ReferenceBackend();
        Network = network ?? new ConvNet(new Shape(1, 6, 6), 3, width: 2, depth: 1, Activation.Softplus);
        RandomKey key = RandomKey.FromSeed(7);
        Data = Random(12, key.Split("data"), dtype);
        Plan = plan ?? new TrainingPlan(2, 4, rate, momentum, decay, RateSchedule.Constant);
        Experts = [.. Enumerable.Range(0, experts).Select(e => Expert.Record(
            new ExpertTraining(Network, Data, Plan, schedule, key.Split("expert").Split((ulong)e)),
            Path.Combine(_folder, $"{e}.safetensors")))];
        Context = new EstimationContext(Experts, new SecondOrderProducts(mode), Data)
        {
            RealClasses = [.. Enumerable.Range(0, 3).Select(c => OfClass(c))],
        };
        LabelledImages start = Random(3, key.Split("start"), dtype);
        double[] logits = new double[9];
        key.Split("logits").Normal(logits);
        Start = new SyntheticSet(start.Images, Tensor.From(Backend, dtype, logits, new Shape(3, 3)), 0.7);
    }

    public Backend Backend { get; }

    public LabelledImages Train => Data;

    public int Classes => 3;

    public int CountOfClass(int label) => Data.Count / 3;

    public int[] RandomOfClass(int label, int most, RandomKey key) =>
        [.. key.Permutation(Data.Count / 3).Take(most).Select(i => 3 * i + label)];

    public int[] RandomOfEachClass(int perClass, RandomKey key) =>
        [.. Enumerable.Range(0, 3).SelectMany(c => Enumerable.Range(0, Data.Count).Where(i => i % 3 == c).Take(perClass))];

    public Network Network { get; }

    public LabelledImages Data { get; }

    public TrainingPlan Plan { get; }

    public IReadOnlyList<Expert> Experts { get; }

    public EstimationContext Context { get; }

    public SyntheticSet Start { get; }

    public string Folder => _folder;

    private LabelledImages OfClass(int label)
    {
        int[] rows = [.. Enumerable.Range(0, Data.Count).Where(i => i % 3 == label)];
        return Data.Rows(rows);
    }

    public LabelledImages Random(int count, RandomKey key, DType dtype)
    {
        var pixels = new double[count * Network.Image.Count];
        key.Normal(pixels);
        int[] sizes = [count, .. Network.Image.Sizes];
        int[] labels = [.. Enumerable.Range(0, count).Select(i => i % 3)];
        return new LabelledImages(
            Tensor.From(Backend, dtype, pixels, new Shape(sizes)), LabelledImages.OneHot(Backend, dtype, labels, 3));
    }

    public void Dispose()
    {
        foreach (Expert expert in Experts)
            expert.Dispose();
        Directory.Delete(_folder, recursive: true);
    }
}
