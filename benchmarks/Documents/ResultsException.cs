namespace InfMatch.Benchmarks;

/// <summary>What was asked for cannot be done, and the message says why.</summary>
internal sealed class ResultsException(string message) : Exception(message);
