using System.Collections.Immutable;
using System.Globalization;
using InfMatch.Methods;
using InfMatch.Tensors;
using InfMatch.Tensors.IO;

namespace InfMatch.Distill;

/// <summary>The state of a distillation as rank 0 gives it to the others, from which all go on alike.</summary>
/// <param name="Size">Which set of the run it is: its images per class, or its pairs.</param>
/// <param name="Set">The synthetic set, in the scope in which it was read.</param>
/// <param name="State">All of the state.</param>
internal sealed record SharedState(int Size, SyntheticSet Set, ArraySet State)
{
    private const string SizeKey = "size", FactorKey = "factor", PartsKey = "parts", NumbersKey = "numbers";

    /// <summary>The state of a distiller, for other ranks; nothing where there are none.</summary>
    public static byte[] Write(LockStep ranks, Distiller distiller, int size)
    {
        if (ranks.Count == 1)
            return [];
        using var stream = new MemoryStream();
        Safetensors.Write(stream, distiller.Save(), new Dictionary<string, string>(StringComparer.Ordinal)
        {
            [SizeKey] = size.ToString(CultureInfo.InvariantCulture),
            [FactorKey] = distiller.Set.Factor.ToString(CultureInfo.InvariantCulture),
            [PartsKey] = string.Join(' ', distiller.Set.Parts.Select(part => part.Name)),
            [NumbersKey] = string.Join(' ', distiller.Set.Numbers.Keys),
        });
        return stream.ToArray();
    }

    /// <summary>Reads it.</summary>
    /// <exception cref="ArrayFileException">It did not come as it was sent.</exception>
    public static SharedState Read(byte[] bytes, Backend backend)
    {
        ArraySet state = Safetensors.Read(new MemoryStream(bytes));
        string[] Names(string key) => state.Metadata[key].Split(' ', StringSplitOptions.RemoveEmptyEntries);
        ImmutableArray<SyntheticPart> parts =
        [
            .. Names(PartsKey).Select(name => new SyntheticPart(name, state[name].Element == ArrayElement.Float32
                ? Tensor.From(backend, state[name].AsFloat32(), new Shape(state[name].Dimensions))
                : Tensor.From(backend, state[name].AsFloat64(), new Shape(state[name].Dimensions)))),
        ];
        return new SharedState(
            int.Parse(state.Metadata[SizeKey], CultureInfo.InvariantCulture),
            new SyntheticSet(parts)
            {
                Factor = int.Parse(state.Metadata[FactorKey], CultureInfo.InvariantCulture),
                Numbers = Names(NumbersKey).ToImmutableSortedDictionary(
                    name => name, name => state[name].AsFloat64()[0], StringComparer.Ordinal),
            },
            state);
    }
}
