// Training a ConvNet on the built-in images, with the whole loop on one screen.
using InfMatch.Autograd;
using InfMatch.Datasets;
using InfMatch.Nn;
using InfMatch.Tensors;

Backend backend = Backend.Default;
DatasetPair data = DatasetCatalog.Load("fashion-mnist-small");
ImageDataset train = data.Train.BalancedSubset(perClass: 200), test = data.Test.BalancedSubset(perClass: 50);
Variable images = Variable.Constant(train.ToTensor(backend));
Variable labels = Variable.Constant(
    LabelledImages.OneHot(backend, DType.Float32, train.ClassOfEach(), train.Classes));
Tensor testImages = test.ToTensor(backend);
int[] testLabels = test.ClassOfEach();

// A network is a function of one vector θ and holds no numbers. Everything random follows from one key.
RandomKey key = RandomKey.FromSeed(1);
Network network = new ConvNet(train.ImageShape, train.Classes, width: 16, depth: 2);
Tensor theta = network.Initialise(backend, DType.Float32, key.Split("start"));
Tensor velocity = theta.ZerosLike();
Console.WriteLine($"{network.Name}: {theta.Count} parameters, {train.Count} images");

const double Rate = 0.02, Momentum = 0.9;
for (int epoch = 0; epoch < 4; epoch++)
{
    int[] order = key.Split("order").Split((ulong)epoch).Permutation(train.Count);
    double sum = 0;
    foreach (int[] batch in order.Chunk(50))
    {
        using TensorScope scope = TensorScope.Begin(); // what a step makes goes back when it ends
        Variable leaf = Variable.Leaf(theta);
        Variable loss = network.Loss(leaf, images.GatherRows(batch), labels.GatherRows(batch));
        Tensor gradient = Gradient.Of(loss, leaf).Value;
        velocity = scope.Replace(velocity, TensorAlgebra.Axpy(Momentum, velocity, gradient));
        theta = scope.Replace(theta, TensorAlgebra.Axpy(-Rate, velocity, theta));
        sum += loss.Value.ToScalar() * batch.Length;
    }
    double accuracy = network.Accuracy(theta, testImages, testLabels);
    Console.WriteLine($"epoch {epoch + 1}: loss {sum / train.Count:F2}, accuracy {100 * accuracy:F0} %");
}

// InfMatch.Nn.Trainer is this loop with schedules, augmentation, AdamW and captured kernels.
