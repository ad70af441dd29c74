namespace InfMatch.Nn;

/// <summary>Consecutive parameters of a network that belong together, such as a head: a range of θ.</summary>
/// <param name="Name">What they are.</param>
/// <param name="Offset">The first of them in θ.</param>
/// <param name="Count">How many they are.</param>
public readonly record struct ParameterBlock(string Name, int Offset, int Count);
