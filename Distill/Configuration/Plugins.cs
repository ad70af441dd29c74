using System.Reflection;
using InfMatch.Tensors;

namespace InfMatch.Distill;

/// <summary>Assemblies of users that bring methods, networks, data sets and other kinds of thing with them.</summary>
internal static class Plugins
{
    /// <summary>The environment variable that names their files, separated as in PATH.</summary>
    public const string Variable = "INFMATCH_PLUGINS";

    /// <summary>Loads them; before the first kind is enumerated.</summary>
    /// <exception cref="DistillException">One cannot be loaded, or brings a kind of thing that cannot be used.</exception>
    public static void Load(string? files)
    {
        var loaded = new List<(string File, Assembly Assembly)>();
        foreach (string file in (files ?? "").Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries))
        {
            try
            {
                var assembly = Assembly.LoadFrom(Path.GetFullPath(file));
                assembly.GetTypes(); // what they derive from must be there, too
                Kinds.Add(assembly);
                loaded.Add((file, assembly));
            }
            catch (Exception e) when (e is IOException or BadImageFormatException or UnauthorizedAccessException
                or ReflectionTypeLoadException)
            {
                string why = e is ReflectionTypeLoadException { LoaderExceptions: [{ } first, ..] } ? first.Message : e.Message;
                throw new DistillException(
                    ExitCode.Usage, "IM2013",
                    $"{Variable} names {ShownPath.Of(file)}, which cannot be loaded: {why.Trim()} Give the file of a .NET assembly " +
                    "that lies beside what it refers to, or clear the variable.", e);
            }
        }
        foreach ((string file, Assembly assembly) in loaded)
            Check(file, assembly);
    }

    // What a plugin brings is enumerated here, where the error can name its file.
    private static void Check(string file, Assembly assembly)
    {
        try
        {
            foreach (Type contract in assembly.GetTypes()
                .Where(type => type is { IsClass: true, IsAbstract: false } && type.IsAssignableTo(typeof(IKind)))
                .Select(ContractOf).Where(contract => contract.Assembly != assembly).Distinct())
                Kinds.Check(contract);
        }
        catch (InvalidOperationException e)
        {
            throw new DistillException(
                ExitCode.Usage, "IM2015",
                $"{Variable} names {ShownPath.Of(file)}, which cannot be used: {e.Message} Mend it, or clear the variable.", e);
        }
    }

    private static Type ContractOf(Type kind)
    {
        while (kind.BaseType is { } above && above.IsAssignableTo(typeof(IKind)))
            kind = above;
        return kind;
    }
}
