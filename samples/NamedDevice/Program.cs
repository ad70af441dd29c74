// The same program on the device that its argument names: auto, cpu, cuda, opencl, cuda:1, …
using InfMatch.Autograd;
using InfMatch.Nn;
using InfMatch.Tensors;

// Devices other than the processor are known by their assembly. A device that is named and not there is an error.
Kinds.Add(typeof(GpuBackend).Assembly);
OpenedDevice device = Devices.Open(args.Length > 0 ? args[0] : "auto");
Console.WriteLine($"device: {device.Backend.Name}");

// A small network and random images, drawn from a key: the same numbers on every device.
RandomKey key = RandomKey.FromSeed(1);
Network network = new ConvNet(new Shape(3, 16, 16), classes: 10, width: 8, depth: 2);
double onDevice = Product(device.Backend), onReference = Product(new ReferenceBackend());
Console.WriteLine($"‖Hv‖ there {onDevice:F4}, on the reference backend {onReference:F4}");
Console.WriteLine($"equal to rounding: {Math.Abs(onDevice - onReference) < 1e-4 * onReference}");

// The length of a Hessian-vector product of the network's loss.
double Product(Backend backend)
{
    using TensorScope scope = TensorScope.Begin();
    Variable images = Variable.Constant(
        Tensor.Normal(backend, DType.Float32, new Shape(20, 3, 16, 16), key.Split("images")));
    int[] classes = [.. Enumerable.Range(0, 20).Select(i => i % 10)];
    Variable labels = Variable.Constant(LabelledImages.OneHot(backend, DType.Float32, classes, 10));
    Tensor theta = network.Initialise(backend, DType.Float32, key.Split("start"));
    Tensor v = Tensor.Normal(backend, DType.Float32, theta.Shape, key.Split("direction"));
    return Differential.Hvp(p => network.Loss(p, images, labels), theta, v).Norm();
}
