using InfMatch.Autograd;
using InfMatch.Tensors;

namespace InfMatch.Onnx;

/// <summary>A value in a model: numbers in float32 on a backend, or whole numbers in memory (sizes, indices, truth values).</summary>
public sealed class OnnxValue
{
    private readonly Variable? _numbers;
    private readonly long[]? _whole;

    private OnnxValue(Variable? numbers, long[]? whole, Shape shape) => (_numbers, _whole, Shape) = (numbers, whole, shape);

    /// <summary>The sizes.</summary>
    public Shape Shape { get; }

    /// <summary>Whether it has whole numbers.</summary>
    public bool IsWhole => _whole is not null;

    /// <summary>The numbers.</summary>
    /// <exception cref="InvalidOperationException">It has whole numbers.</exception>
    public Variable Numbers => _numbers ?? throw new InvalidOperationException($"Numbers were expected, got whole numbers {Shape}.");

    /// <summary>The whole numbers, in row-major order.</summary>
    /// <exception cref="InvalidOperationException">It has numbers that are not whole.</exception>
    public ReadOnlySpan<long> Whole => _whole ?? throw new InvalidOperationException($"Whole numbers were expected, got float32 {Shape}.");

    /// <summary>A value of numbers.</summary>
    public static OnnxValue Of(Variable numbers) => new(numbers, null, numbers.Shape);

    /// <summary>A value of numbers on a backend, in float32.</summary>
    public static OnnxValue Of(Tensor numbers) => Of(Variable.Constant(numbers));

    /// <summary>A value of whole numbers.</summary>
    /// <exception cref="ArgumentException">They are more or fewer than the shape has.</exception>
    public static OnnxValue Of(long[] whole, Shape shape) => whole.Length == shape.Count
        ? new OnnxValue(null, whole, shape)
        : throw new ArgumentException($"{whole.Length} whole numbers do not make {shape}.", nameof(whole));

    /// <inheritdoc/>
    public override string ToString() => $"{(IsWhole ? "whole numbers" : "float32")} {Shape}";
}
