using System.Reflection;
using InfMatch.Autograd;
using InfMatch.Tensors;

namespace InfMatch.Tests.Autograd;

/// <summary>Every concrete operation of the program, found by reflection, with its samples.</summary>
internal static class OpCatalogue
{
    public static IReadOnlyList<Type> Types { get; } =
    [
        .. Directory.EnumerateFiles(AppContext.BaseDirectory, "InfMatch.*.dll").Order(StringComparer.Ordinal)
            .Where(file => !file.EndsWith("Tests.dll", StringComparison.Ordinal))
            .SelectMany(file => Assembly.LoadFrom(file).GetTypes())
            .Where(type => type.IsSubclassOf(typeof(Op)) && !type.IsAbstract)
            .OrderBy(type => type.FullName, StringComparer.Ordinal),
    ];

    public static IReadOnlyDictionary<string, OpSample> Samples { get; } = Types.Where(IsSampled)
        .SelectMany(type => Call<OpSample>(nameof(SamplesOf), type).Select((s, i) => (Key: $"{type.Name}#{i}", s)))
        .ToDictionary(pair => pair.Key, pair => pair.s, StringComparer.Ordinal);

    public static IReadOnlyDictionary<string, OpError> Errors { get; } = Types.Where(IsSampled)
        .SelectMany(type => Call<OpError>(nameof(ErrorsOf), type).Select((e, i) => (Key: $"{type.Name}#{i}", e)))
        .ToDictionary(pair => pair.Key, pair => pair.e, StringComparer.Ordinal);

    public static bool IsSampled(Type type) => type.IsAssignableTo(typeof(IOpSamples));

    /// <summary>The numbers of a sample, the same for every backend and number type.</summary>
    public static double[][] Draw(OpSample sample)
    {
        var random = new TestNumbers(0x5EED);
        for (int attempt = 0; attempt < 1000; attempt++)
        {
            double[][] numbers = [.. sample.Inputs.Select(input => Draw(input, random))];
            if (sample.Accepts?.Invoke(numbers) != false)
                return numbers;
        }
        throw new InvalidOperationException($"{sample.Op}: a thousand draws stayed near a kink. Widen the margin.");
    }

    private static double[] Draw(SampleInput input, TestNumbers random)
    {
        var numbers = new double[input.Shape.Count];
        for (int i = 0; i < numbers.Length; i++)
        {
            do
                numbers[i] = (float)random.Uniform(input.Low, input.High);
            while (Math.Abs(numbers[i] - input.KinkAt) < input.Margin);
        }
        return numbers;
    }

    private static IEnumerable<T> Call<T>(string method, Type type) =>
        (IEnumerable<T>)typeof(OpCatalogue).GetMethod(method, BindingFlags.NonPublic | BindingFlags.Static)!
            .MakeGenericMethod(type).Invoke(null, null)!;

    private static IEnumerable<OpSample> SamplesOf<T>() where T : IOpSamples => T.Samples();

    private static IEnumerable<OpError> ErrorsOf<T>() where T : IOpSamples => T.Errors();
}
