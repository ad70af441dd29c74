using InfMatch.Tensors;
using InfMatch.Tensors.IO;

namespace InfMatch.Methods;

/// <summary>Tensors of a saved state.</summary>
internal static class SavedTensors
{
    /// <summary>A tensor's numbers in its own number type.</summary>
    public static NamedArray Save(string name, Tensor tensor) => tensor.DType == DType.Float32
        ? NamedArray.From(name, tensor.Shape.Sizes, tensor.ToArray<float>())
        : NamedArray.From(name, tensor.Shape.Sizes, tensor.ToArray<double>());

    /// <summary>A saved tensor on a backend, in the current scope.</summary>
    /// <exception cref="ShapeException">It has another shape.</exception>
    public static Tensor Read(NamedArray array, Backend backend, DType dtype, Shape needed)
    {
        var shape = new Shape(array.Dimensions);
        if (shape != needed)
            throw new ShapeException($"The saved array '{array.Name}' has the shape {shape}, this run needs {needed}.");
        return dtype == DType.Float32
            ? Tensor.From(backend, array.AsFloat32(), shape)
            : Tensor.From(backend, array.AsFloat64(), shape);
    }
}
