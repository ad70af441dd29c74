// Which training images harm a network? Some labels are made wrong, and influence is asked for them.
using InfMatch.Autograd;
using InfMatch.Datasets;
using InfMatch.Influence;
using InfMatch.Nn;
using InfMatch.Tensors;

Backend backend = Backend.Default;
DatasetPair data = DatasetCatalog.Load("fashion-mnist-small");
ImageDataset train = data.Train.BalancedSubset(perClass: 20), validation = data.Test.BalancedSubset(perClass: 20);
RandomKey key = RandomKey.FromSeed(1);

// One label in ten is made wrong: the class after the right one.
int[] labels = train.ClassOfEach();
int[] wrong = key.Split("wrong").Permutation(train.Count)[..20];
foreach (int i in wrong)
    labels[i] = (labels[i] + 1) % train.Classes;

var real = new LabelledImages(
    train.ToTensor(backend), LabelledImages.OneHot(backend, DType.Float32, labels, train.Classes));
Variable images = Variable.Constant(validation.ToTensor(backend));
Variable right = Variable.Constant(
    LabelledImages.OneHot(backend, DType.Float32, validation.ClassOfEach(), validation.Classes));

// A training by plain SGD whose every step is recorded in a file: influence is about the training that was.
Network network = new ConvNet(train.ImageShape, train.Classes, width: 8, depth: 2);
var plan = new TrainingPlan(
    Epochs: 6, BatchSize: 20, Rate: 0.05, Momentum: 0, WeightDecay: 0, RateSchedule.Constant);
string file = Path.Combine(Path.GetTempPath(), $"expert-{Guid.NewGuid():N}.safetensors");
int steps = plan.Steps(train.Count);
using (Expert expert = Expert.Record(
    new ExpertTraining(network, real, plan, CheckpointSchedule.Every(steps), key.Split("training")), file))
{
    // For each training image: how the validation loss moves when the image counts more. Above 0 it does harm.
    var context = new ExampleContext(expert, new SecondOrderProducts(SecondDerivatives.FiniteDifference), Last: steps);
    foreach (ExampleInfluence influence in new ExampleInfluence[]
        { new TracInInfluence(context), new UnrolledInfluence(context, curvature: true) })
    {
        double[] scores = influence.Scores(theta => network.Loss(theta, images, right));
        int[] harmful = [.. Enumerable.Range(0, scores.Length).OrderByDescending(i => scores[i]).Take(wrong.Length)];
        Console.WriteLine(
            $"{influence.Name}: of the {harmful.Length} most harmful images {harmful.Count(wrong.Contains)} have a wrong label " +
            $"(by chance {(double)wrong.Length * wrong.Length / train.Count:F0})");
    }
}
File.Delete(file);
