namespace InfMatch.Tensors;

/// <summary>The number type of a tensor's elements.</summary>
public enum DType
{
    /// <summary>IEEE 754 binary32: what networks train in.</summary>
    Float32,

    /// <summary>IEEE 754 binary64: what gradients are checked in.</summary>
    Float64,
}

/// <summary>Sizes and names of the number types.</summary>
public static class DTypes
{
    /// <summary>The number type that stores <typeparamref name="T"/>.</summary>
    /// <exception cref="DTypeException"><typeparamref name="T"/> is neither float nor double.</exception>
    public static DType Of<T>() where T : unmanaged =>
        typeof(T) == typeof(float) ? DType.Float32
        : typeof(T) == typeof(double) ? DType.Float64
        : throw new DTypeException($"Tensors hold float or double, not {typeof(T).Name}. Convert the values first.");

    /// <summary>Bytes per element.</summary>
    public static int Size(this DType dtype) => dtype == DType.Float32 ? sizeof(float) : sizeof(double);
}
