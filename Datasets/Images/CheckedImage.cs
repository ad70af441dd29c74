namespace InfMatch.Datasets;

/// <summary>An image that its guard has walked.</summary>
/// <param name="Height">Height H in pixels.</param>
/// <param name="Width">Width W in pixels.</param>
/// <param name="Decodable">What the decoder is given: the file written anew with nothing but what the guard has
/// understood, so that the two cannot read it in two ways.</param>
internal readonly record struct CheckedImage(int Height, int Width, ArraySegment<byte> Decodable)
{
    /// <summary>H and W.</summary>
    public (int Height, int Width) Size => (Height, Width);
}
