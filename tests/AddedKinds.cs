using System.Runtime.CompilerServices;
using InfMatch.Tensors;

namespace InfMatch.Tests;

/// <summary>What the programs add to the kinds when they start.</summary>
internal static class AddedKinds
{
    [ModuleInitializer]
    internal static void Add() => Kinds.Add(typeof(GpuBackend).Assembly);
}
