// Ten images that stand for two thousand: influence matching as a library, without the program.
using InfMatch.Autograd;
using InfMatch.Datasets;
using InfMatch.Influence;
using InfMatch.Methods;
using InfMatch.Nn;
using InfMatch.Tensors;

Backend backend = Backend.Default;
RandomKey key = RandomKey.FromSeed(1);
DatasetPair data = DatasetCatalog.Load("fashion-mnist-small");
ImageDataset train = data.Train.BalancedSubset(perClass: 200), test = data.Test.BalancedSubset(perClass: 50);
var real = new RealImages(train.ToTensor(backend), train.ClassOfEach(), train.Classes);
Network network = new ConvNet(train.ImageShape, train.Classes, width: 16, depth: 2);

// An expert: a network that trains on the real images, and its parameters on the way.
string file = Path.Combine(Path.GetTempPath(), $"expert-{Guid.NewGuid():N}.safetensors");
var training = new TrainingPlan(
    Epochs: 8, BatchSize: 50, Rate: 0.02, Momentum: 0, WeightDecay: 0, RateSchedule.Constant);
using Expert expert = Expert.Record(
    new ExpertTraining(network, real.Train, training, CheckpointSchedule.Sparse(perEpoch: 4), key.Split("expert")), file);

// The method: the influence of adding S is to offset that of removing the real images, on windows of the trajectory.
MethodValues values = MethodValues.Standard
    .With(InfluenceMatching.StartFirst, "4").With(InfluenceMatching.StartLast, "12")
    .With(InfluenceMatching.StartGrowth, "40").With(InfluenceMatching.RealBatch, "50");
MethodSession method = new InfluenceMatching().Begin(new MethodContext
{
    Network = network, Real = real, Experts = [expert], Values = values, Key = key.Split("method"),
});

// S starts as one real image of each class, with labels that lean to it.
int[] chosen = real.RandomOfEachClass(1, key.Split("start"));
LabelledImages first = real.Train.Rows(chosen);
var start = new SyntheticSet(first.Images, first.Labels.Times(5));
using var distiller = new Distiller(method, start, new DistillationPlan
{
    Iterations = 60,
    Parts = new Dictionary<string, PartPlan>(StringComparer.Ordinal)
    {
        [SyntheticSet.ImagesPart] = new(new SgdOptimiser(), Rate: 20, Momentum: 0.5),
        [SyntheticSet.LabelsPart] = new(new SgdOptimiser(), Rate: 5, Momentum: 0.5),
    },
}, key.Split("distiller"));
while (distiller.Iteration < 60)
{
    DistillationStep step = distiller.Step();
    if (step.Iteration is 0 or 59)
        Console.WriteLine($"iteration {step.Iteration}: J {step.Loss:F2}");
}

// What counts: fresh networks that see nothing but ten images, on real test images.
var evaluation = new TrainingPlan(
    Epochs: 150, BatchSize: 10, Rate: 0.02, Momentum: 0.9, WeightDecay: 0, RateSchedule.Constant);
Tensor testImages = test.ToTensor(backend);
double Accuracy(LabelledImages set) => Enumerable.Range(0, 3).Average(i =>
{
    RandomKey own = key.Split("evaluation").Split((ulong)i);
    Tensor theta = new Trainer(network, set, evaluation, own).Run(network.Initialise(backend, DType.Float32, own.Split("start")));
    return 100 * network.Accuracy(theta, testImages, test.ClassOfEach());
});
Console.WriteLine($"ten real images: {Accuracy(first):F0} %");
Console.WriteLine($"ten distilled images: {Accuracy(distiller.Set.AsTrainingSet()):F0} %");
File.Delete(file);
