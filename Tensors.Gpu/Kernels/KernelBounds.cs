using System.Reflection;
using ILGPU.Runtime;

namespace InfMatch.Tensors;

/// <summary>Asks that so many groups of a kernel fit a multiprocessor at once. A compiler then gives each thread no more
/// registers than that leaves, where it would else take more and hide less of what it waits for.</summary>
/// <param name="groups">The number of groups.</param>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class GroupsAtOnceAttribute(int groups) : Attribute
{
    public int Groups { get; } = groups;
}

/// <summary>What a kernel's compiler may count on.</summary>
internal static class KernelBounds
{
    /// <summary>No group is larger than <see cref="ReductionKernels.MostThreads"/>; and what
    /// <see cref="GroupsAtOnceAttribute"/> asks.</summary>
    public static KernelSpecialization Of(MethodInfo kernel) =>
        new(ReductionKernels.MostThreads, kernel.GetCustomAttribute<GroupsAtOnceAttribute>()?.Groups);
}
