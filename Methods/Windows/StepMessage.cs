using System.Collections.Immutable;
using System.Runtime.InteropServices;
using InfMatch.Tensors;

namespace InfMatch.Methods;

/// <summary>A step of one window as bytes, from the rank that computed it to the others; its gradient keeps its bits.</summary>
/// <param name="Step">The step; its gradient is in the scope in which the message was read.</param>
/// <param name="Images">Images that passed through a network for it.</param>
internal sealed record StepMessage(MethodStep Step, long Images)
{
    /// <summary>Writes it.</summary>
    public void Write(BinaryWriter to)
    {
        to.Write(Images);
        to.Write(Step.Loss);
        to.Write(Step.Skip);
        to.Write(Step.Place);
        to.Write(Step.Metrics.Length);
        foreach (Metric metric in Step.Metrics)
        {
            to.Write(metric.Name);
            to.Write(metric.Value);
            to.Write(metric.IsPlace);
        }
        Write(to, Step.NumberGradients);
        Write(to, Step.Numbers);
        to.Write(Step.Memo.Length);
        foreach (double number in Step.Memo)
            to.Write(number);
        to.Write(Step.Gradient is not null);
        foreach (SyntheticPart part in Step.Gradient?.Parts ?? [])
        {
            to.Write(part.Value.DType == DType.Float32
                ? MemoryMarshal.AsBytes<float>(part.Value.ToArray<float>())
                : MemoryMarshal.AsBytes<double>(part.Value.ToArray<double>()));
        }
    }

    /// <summary>Reads it; the gradient has the shapes of S.</summary>
    public static StepMessage Read(BinaryReader from, SyntheticSet s)
    {
        long images = from.ReadInt64();
        double loss = from.ReadDouble();
        bool skip = from.ReadBoolean();
        string place = from.ReadString();
        var metrics = new Metric[from.ReadInt32()];
        for (int i = 0; i < metrics.Length; i++)
            metrics[i] = new Metric(from.ReadString(), from.ReadDouble()) { IsPlace = from.ReadBoolean() };
        ImmutableSortedDictionary<string, double> gradients = ReadNumbers(from), numbers = ReadNumbers(from);
        var memo = new double[from.ReadInt32()];
        for (int i = 0; i < memo.Length; i++)
            memo[i] = from.ReadDouble();
        SyntheticGradient? gradient = from.ReadBoolean()
            ? SyntheticGradient.Of(s, [.. s.Tensors.Select(part => ReadTensor(from, part))])
            : null;
        return new StepMessage(
            new MethodStep(loss, gradient, [.. metrics])
            {
                NumberGradients = gradients, Numbers = numbers, Skip = skip, Place = place, Memo = [.. memo],
            },
            images);
    }

    private static void Write(BinaryWriter to, ImmutableSortedDictionary<string, double> numbers)
    {
        to.Write(numbers.Count);
        foreach ((string name, double value) in numbers)
        {
            to.Write(name);
            to.Write(value);
        }
    }

    private static ImmutableSortedDictionary<string, double> ReadNumbers(BinaryReader from)
    {
        var numbers = ImmutableSortedDictionary.CreateBuilder<string, double>(StringComparer.Ordinal);
        for (int left = from.ReadInt32(); left > 0; left--)
            numbers.Add(from.ReadString(), from.ReadDouble());
        return numbers.ToImmutable();
    }

    private static Tensor ReadTensor(BinaryReader from, Tensor like)
    {
        byte[] bytes = from.ReadBytes(checked(like.Count * (like.DType == DType.Float32 ? sizeof(float) : sizeof(double))));
        return like.DType == DType.Float32
            ? Tensor.From(like.Backend, MemoryMarshal.Cast<byte, float>(bytes), like.Shape)
            : Tensor.From(like.Backend, MemoryMarshal.Cast<byte, double>(bytes), like.Shape);
    }
}
