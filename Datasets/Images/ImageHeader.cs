namespace InfMatch.Datasets;

/// <summary>What a guard has learned of an image without decoding it.</summary>
/// <param name="Height">Height H in pixels.</param>
/// <param name="Width">Width W in pixels.</param>
/// <param name="Length">Bytes of the file that are the image; a JPEG may have others behind its end marker.</param>
internal readonly record struct ImageHeader(int Height, int Width, int Length)
{
    /// <summary>H and W.</summary>
    public (int Height, int Width) Size => (Height, Width);
}
