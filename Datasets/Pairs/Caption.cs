namespace InfMatch.Datasets;

/// <summary>A sentence that describes an image.</summary>
/// <param name="Image">The index of the image in its set.</param>
/// <param name="Text">The sentence.</param>
public readonly record struct Caption(int Image, string Text);
