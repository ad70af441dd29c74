namespace InfMatch.Tensors;

/// <summary>
/// An immutable array of numbers with a shape, row-major and contiguous, on one backend. It knows nothing of
/// gradients: see Variable in Autograd for values that are tracked.
/// </summary>
public sealed class Tensor : IDisposable
{
    internal Tensor(Storage storage, int offset, Shape shape)
    {
        Storage = storage;
        Offset = offset;
        Shape = shape;
    }

    /// <summary>The sizes of the dimensions.</summary>
    public Shape Shape { get; }

    /// <summary>The number type.</summary>
    public DType DType => Storage.DType;

    /// <summary>The backend whose memory holds the numbers and whose kernels work on them.</summary>
    public Backend Backend => Storage.Backend;

    /// <summary>The number of elements.</summary>
    public int Count => Shape.Count;

    /// <summary>The buffer that holds the numbers, shared with reshapes and views.</summary>
    public Storage Storage { get; }

    /// <summary>Where this tensor starts in its buffer, in elements.</summary>
    public int Offset { get; }

    /// <summary>Copies numbers from the host into a new tensor.</summary>
    /// <exception cref="ShapeException">The number of values is not the shape's count.</exception>
    public static Tensor From<T>(Backend backend, ReadOnlySpan<T> values, Shape shape) where T : unmanaged
    {
        if (values.Length != shape.Count)
            throw new ShapeException($"{values.Length} values were given for the shape {shape} of {shape.Count} elements.");
        Tensor tensor = backend.Empty(shape, DTypes.Of<T>());
        backend.Upload(values, tensor);
        return tensor;
    }

    /// <summary>Copies float64 numbers from the host into a new tensor of any number type.</summary>
    /// <exception cref="ShapeException">The number of values is not the shape's count.</exception>
    public static Tensor From(Backend backend, DType dtype, ReadOnlySpan<double> values, Shape shape)
    {
        if (values.Length != shape.Count)
            throw new ShapeException($"{values.Length} values were given for the shape {shape} of {shape.Count} elements.");
        Tensor tensor = backend.Empty(shape, dtype);
        backend.UploadRounded(values, tensor);
        return tensor;
    }

    /// <summary>A float64 scalar on <see cref="Backend.Default"/>.</summary>
    public static Tensor Of(double value) => From<double>(Backend.Default, [value], Shape.Scalar);

    /// <summary>A vector of float64 numbers on <see cref="Backend.Default"/>.</summary>
    public static Tensor Of(params ReadOnlySpan<double> values) =>
        From(Backend.Default, values, new Shape(values.Length));

    /// <summary>Numbers uniform in [low, high): those of a key, the same on every backend to a rounding.</summary>
    public static Tensor Uniform(
        Backend backend, DType dtype, Shape shape, RandomKey key, double low = 0, double high = 1)
    {
        Tensor tensor = backend.Empty(shape, dtype);
        backend.Uniform(key, low, high, tensor);
        return tensor;
    }

    /// <summary>Normal numbers of mean 0 and the given deviation: those of a key, drawn on the host, the same on every
    /// backend.</summary>
    public static Tensor Normal(Backend backend, DType dtype, Shape shape, RandomKey key, double deviation = 1)
    {
        var numbers = new double[shape.Count];
        key.Normal(numbers);
        for (int i = 0; i < numbers.Length; i++)
            numbers[i] *= deviation;
        return From(backend, dtype, numbers, shape);
    }

    /// <summary>A new tensor with every element equal to <paramref name="value"/>.</summary>
    public static Tensor Full(Backend backend, DType dtype, Shape shape, double value)
    {
        Tensor tensor = backend.Empty(shape, dtype);
        backend.Fill(tensor, value);
        return tensor;
    }

    /// <summary>The same numbers under another shape; shares the buffer.</summary>
    /// <exception cref="ShapeException">The element counts differ.</exception>
    public Tensor Reshape(Shape shape) => shape.Count == Count
        ? new Tensor(Storage, Offset, shape)
        : throw new ShapeException($"A tensor {Shape} of {Count} elements cannot be reshaped to {shape} of {shape.Count}.");

    /// <summary>A contiguous range of the numbers, in memory order, under a shape; shares the buffer.</summary>
    /// <exception cref="ShapeException">The range leaves the tensor.</exception>
    public Tensor View(int start, Shape shape) => start >= 0 && start <= Count - shape.Count
        ? new Tensor(Storage, Offset + start, shape)
        : throw new ShapeException($"A view {shape} from element {start} leaves the tensor {Shape} of {Count} elements.");

    /// <summary>Copies the numbers to the host as <typeparamref name="T"/>, converting where the type differs.</summary>
    public T[] ToArray<T>() where T : unmanaged
    {
        var result = new T[Count];
        CopyTo(result.AsSpan());
        return result;
    }

    /// <summary>Copies the numbers to the host, converting where the type differs.</summary>
    /// <exception cref="ShapeException">The destination has another length.</exception>
    public void CopyTo<T>(Span<T> destination) where T : unmanaged
    {
        if (destination.Length != Count)
            throw new ShapeException($"A tensor {Shape} of {Count} elements was copied to {destination.Length} places.");
        if (DTypes.Of<T>() == DType)
        {
            Backend.Download(this, destination);
            return;
        }
        if (DType == DType.Float32)
        {
            float[] narrow = ToArray<float>();
            for (int i = 0; i < narrow.Length; i++)
                destination[i] = (T)(object)(double)narrow[i];
            return;
        }
        double[] wide = ToArray<double>();
        for (int i = 0; i < wide.Length; i++)
            destination[i] = (T)(object)(float)wide[i];
    }

    /// <summary>The only number of a tensor of one element.</summary>
    /// <exception cref="ShapeException">The tensor has another number of elements.</exception>
    public double ToScalar() => Count == 1
        ? ToArray<double>()[0]
        : throw new ShapeException($"A tensor {Shape} of {Count} elements is not a scalar.");

    /// <summary>Gives the buffer back to the pool, also under every reshape and view of it.</summary>
    public void Dispose() => Storage.Release();

    /// <summary>Number type, shape and device, for messages.</summary>
    public string Description => $"{DType} {Shape} on {Backend.Name}";

    /// <summary>The numbers, aligned and row by row, and the <see cref="Description"/>. Of more than a thousand only the
    /// three at each end of each axis are copied to the host. While a graph is captured, or when the memory went back,
    /// there are no numbers to read and the description stands alone.</summary>
    public override string ToString() => ToString("");

    /// <summary>As <see cref="ToString()"/>, with a word before the description.</summary>
    public string ToString(string kind)
    {
        string what = kind.Length == 0 ? Description : $"{kind} {Description}";
        return TensorText.CanRead(this) ? $"{TensorText.Numbers(this)} ({what})" : what;
    }
}
