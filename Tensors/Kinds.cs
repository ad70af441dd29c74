using System.Collections.Concurrent;
using System.Reflection;

namespace InfMatch.Tensors;

/// <summary>One of a kind of thing that users choose by name: a network, a data set, a method, a command.</summary>
public interface IKind
{
    /// <summary>The name by which it is chosen; unique among its kind.</summary>
    string Name { get; }
}

/// <summary>
/// Finds all types of a kind, so that adding one means adding a type and edits no list. They are the concrete classes
/// that derive from the contract, in its assembly and in added ones. Each needs a constructor without parameters; it is
/// made once. Source: docs/design.md, "Kinds".
/// </summary>
public static class Kinds
{
    private static readonly List<Assembly> s_added = [];
    private static readonly ConcurrentDictionary<Type, IReadOnlyList<IKind>> s_found = new();

    /// <summary>Lets another assembly contribute to every kind; it must be added before a kind is first asked for. One
    /// that was added is not added again.</summary>
    /// <exception cref="InvalidOperationException">A kind was enumerated before.</exception>
    public static void Add(Assembly assembly)
    {
        if (s_added.Contains(assembly))
            return;
        if (!s_found.IsEmpty)
        {
            throw new InvalidOperationException(
                $"{assembly.GetName().Name} comes too late: kinds were enumerated already. Add it before the first use.");
        }
        s_added.Add(assembly);
    }

    /// <summary>All of a kind, ordered by name.</summary>
    /// <exception cref="InvalidOperationException">A type lacks a constructor without parameters, or two have one name.</exception>
    public static IReadOnlyList<T> Of<T>()
        where T : class, IKind => (IReadOnlyList<T>)s_found.GetOrAdd(typeof(T), _ => Find<T>());

    /// <summary>The one of a name, or null.</summary>
    public static T? Find<T>(string name)
        where T : class, IKind => Of<T>().FirstOrDefault(kind => kind.Name == name);

    /// <summary>The names of a kind, in order.</summary>
    public static IReadOnlyList<string> Names<T>()
        where T : class, IKind => [.. Of<T>().Select(kind => kind.Name)];

    /// <summary>Enumerates a kind that is known by its contract alone, so that what is wrong with it is found here.</summary>
    /// <exception cref="InvalidOperationException">A type lacks a constructor without parameters, or two have one name.</exception>
    public static void Check(Type contract) => typeof(Kinds).GetMethod(nameof(Of))!.MakeGenericMethod(contract)
        .Invoke(null, BindingFlags.DoNotWrapExceptions, null, null, null);

    private static T[] Find<T>()
        where T : class, IKind
    {
        T[] found =
        [
            .. s_added.Append(typeof(T).Assembly).Distinct().Where(assembly => Knows(assembly, typeof(T).Assembly))
                .SelectMany(assembly => assembly.GetTypes())
                .Where(type => type is { IsClass: true, IsAbstract: false } && type.IsAssignableTo(typeof(T)))
                .Select(Make<T>).OrderBy(kind => kind.Name, StringComparer.Ordinal),
        ];
        IGrouping<string, T>? twice = found.GroupBy(kind => kind.Name, StringComparer.Ordinal).FirstOrDefault(g => g.Count() > 1);
        return twice is null
            ? found
            : throw new InvalidOperationException(
                $"Two of the kind {typeof(T).Name} have the name '{twice.Key}': " +
                $"{string.Join(" and ", twice.Select(kind => kind.GetType().FullName))}. Rename one.");
    }

    // Whether it can derive from a contract there; loading the types of one that cannot would only cost the start time.
    private static bool Knows(Assembly assembly, Assembly contracts)
    {
        if (assembly == contracts)
            return true;
        HashSet<string?> referred = [.. assembly.GetReferencedAssemblies().Select(name => name.Name)];
        return referred.Contains(contracts.GetName().Name)
            || s_added.Any(other => referred.Contains(other.GetName().Name) && Knows(other, contracts));
    }

    private static T Make<T>(Type type) => type.GetConstructor(Type.EmptyTypes) is { } constructor
        ? (T)constructor.Invoke(null)
        : throw new InvalidOperationException(
            $"{type.FullName} is a {typeof(T).Name} and is found by enumeration, but has no public constructor without parameters.");
}
