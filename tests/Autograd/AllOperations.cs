using System.Reflection;
using InfMatch.Autograd;

namespace InfMatch.Tests.Autograd;

/// <summary>Every concrete operation of the program, of all its assemblies, with its samples.</summary>
internal static class AllOperations
{
    public static IReadOnlyList<Type> Types { get; } =
    [
        .. Directory.EnumerateFiles(AppContext.BaseDirectory, "InfMatch.*.dll").Order(StringComparer.Ordinal)
            .Where(file => !file.EndsWith("Tests.dll", StringComparison.Ordinal))
            .SelectMany(file => OpCatalogue.Types(Assembly.LoadFrom(file))),
    ];

    public static IReadOnlyDictionary<string, OpSample> Samples { get; } = Types.Where(IsSampled)
        .SelectMany(type => OpCatalogue.Samples(type).Select((s, i) => (Key: $"{type.Name}#{i}", s)))
        .ToDictionary(pair => pair.Key, pair => pair.s, StringComparer.Ordinal);

    public static IReadOnlyDictionary<string, OpError> Errors { get; } = Types.Where(IsSampled)
        .SelectMany(type => OpCatalogue.Errors(type).Select((e, i) => (Key: $"{type.Name}#{i}", e)))
        .ToDictionary(pair => pair.Key, pair => pair.e, StringComparer.Ordinal);

    public static bool IsSampled(Type type) => OpCatalogue.IsSampled(type);

    /// <summary>The numbers of a sample, the same for every backend and number type.</summary>
    public static double[][] Draw(OpSample sample) => OpCatalogue.Draw(sample);
}
