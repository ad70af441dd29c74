namespace InfMatch.Datasets;

/// <summary>What a guard has learned of an image without decoding it.</summary>
/// <param name="Height">Height H in pixels.</param>
/// <param name="Width">Width W in pixels.</param>
internal readonly record struct ImageHeader(int Height, int Width);
