using InfMatch.Tensors;

namespace InfMatch.Datasets;

/// <summary>The pixels of one image.</summary>
/// <param name="Size">[C, H, W].</param>
/// <param name="Values">8 bits each, plane by plane.</param>
public sealed record ImagePixels(Shape Size, byte[] Values);
