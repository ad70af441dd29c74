using System.Reflection;
using InfMatch.Tensors;

namespace InfMatch.Autograd;

/// <summary>The operations of an assembly with the samples that stand beside them, found by reflection: no list can
/// forget one.</summary>
public static class OpCatalogue
{
    private const ulong Seed = 0x5EED;

    /// <summary>Every concrete operation, by name.</summary>
    public static IReadOnlyList<Type> Types(Assembly assembly) =>
    [
        .. assembly.GetTypes().Where(type => type.IsSubclassOf(typeof(Op)) && !type.IsAbstract)
            .OrderBy(type => type.FullName, StringComparer.Ordinal),
    ];

    /// <summary>Whether an operation has samples.</summary>
    public static bool IsSampled(Type op) => op.IsAssignableTo(typeof(IOpSamples));

    /// <summary>The samples of an operation.</summary>
    public static IEnumerable<OpSample> Samples(Type op) => Call<OpSample>(nameof(SamplesOf), op);

    /// <summary>The inputs that an operation must refuse.</summary>
    public static IEnumerable<OpError> Errors(Type op) => Call<OpError>(nameof(ErrorsOf), op);

    /// <summary>The numbers of a sample's inputs, the same for every backend and number type: exact in float32, and
    /// away from kinks.</summary>
    /// <exception cref="InvalidOperationException">A thousand draws stayed near a kink.</exception>
    public static double[][] Draw(OpSample sample)
    {
        RandomKey key = RandomKey.FromSeed(Seed);
        for (ulong attempt = 0; attempt < 1000; attempt++)
        {
            RandomKey own = key.Split(attempt);
            double[][] numbers = [.. sample.Inputs.Select((input, i) => Draw(input, own.Split((ulong)i)))];
            if (sample.Accepts?.Invoke(numbers) != false)
                return numbers;
        }
        throw new InvalidOperationException($"{sample.Op}: a thousand draws stayed near a kink. Widen the margin.");
    }

    private static double[] Draw(SampleInput input, RandomKey key)
    {
        var numbers = new double[input.Shape.Count];
        long next = 0;
        for (int i = 0; i < numbers.Length; i++)
        {
            do
                numbers[i] = (float)(input.Low + (input.High - input.Low) * key.UniformAt(next++));
            while (Math.Abs(numbers[i] - input.KinkAt) < input.Margin);
        }
        return numbers;
    }

    private static IEnumerable<T> Call<T>(string method, Type op) =>
        (IEnumerable<T>)typeof(OpCatalogue).GetMethod(method, BindingFlags.NonPublic | BindingFlags.Static)!
            .MakeGenericMethod(op).Invoke(null, null)!;

    private static IEnumerable<OpSample> SamplesOf<T>() where T : IOpSamples => T.Samples();

    private static IEnumerable<OpError> ErrorsOf<T>() where T : IOpSamples => T.Errors();
}
