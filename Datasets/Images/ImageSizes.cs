namespace InfMatch.Datasets;

/// <summary>The limits on the sizes that the header of an image names.</summary>
internal static class ImageSizes
{
    /// <exception cref="DatasetException">A side is zero, or side or bytes are over the limit.</exception>
    public static void Check(long height, long width, int bytesPerPixel, string place, DecodeLimits limits)
    {
        if (height == 0 || width == 0)
        {
            throw new DatasetException(
                DatasetFault.BadHeader, place, "a side of the image is zero", $"{height}×{width}", "at least 1×1",
                "Save the image again.");
        }

        if (height > limits.MaxSide || width > limits.MaxSide)
        {
            throw new DatasetException(
                DatasetFault.TooLarge, place, "a side of the image is over the limit", $"{height}×{width}",
                $"at most {limits.MaxSide}", "Make the image smaller.");
        }

        if (height * width * Math.Max(3, bytesPerPixel) > limits.MaxImageBytes)
        {
            throw new DatasetException(
                DatasetFault.TooLarge, place, "the decoded image is over the limit",
                $"{height}×{width} with {Math.Max(3, bytesPerPixel)} bytes a pixel",
                $"at most {limits.MaxImageBytes} bytes",
                "Make the image smaller.");
        }
    }
}
