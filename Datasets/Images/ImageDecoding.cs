using System.Runtime.InteropServices;
using InfMatch.Tensors;

namespace InfMatch.Datasets;

/// <summary>Decodes the files of a listing to bytes [N, 3, H, W], on all cores, with the same result in any
/// order.</summary>
internal static class ImageDecoding
{
    private const int Channels = 3, BetweenReports = 64;

    /// <summary>Takes the set from the cache, or decodes it and fills the cache.</summary>
    /// <exception cref="DatasetException">An image is at fault; where several are, the first of the listing is named.
    /// </exception>
    public static DatasetPair Load(ImageListing listing, Standardisation? standardisation, LoadOptions options)
    {
        if (listing.ClassNames is [var alone])
        {
            throw new DatasetException(
                DatasetFault.NotFound, listing.Root, $"the only class is {alone}, and nothing can be told from it", "1 class folder",
                "at least 2", "Put the images of each class into a folder of its own there.");
        }

        DecodedImages images = Images(listing, options);
        var measured = standardisation ?? Standardisation.Measure(images.Train, Channels, images.Height * images.Width);
        return new DatasetPair(
            listing.Dataset, Set("train", listing.Train, images.Train), Set("test", listing.Test, images.Test));

        ImageDataset Set(string part, ListedImage[] files, byte[] pixels) => new(
            new DatasetTraits($"{listing.Dataset} {part}", listing.ClassNames, measured),
            new Shape(Channels, images.Height, images.Width),
            ImmutableCollectionsMarshal.AsImmutableArray(pixels), [.. files.Select(f => f.Label)]);
    }

    /// <summary>The pixels of a listing, from the cache or decoded.</summary>
    /// <exception cref="DatasetException">An image is at fault, or the size asked for is none.</exception>
    public static DecodedImages Images(ImageListing listing, LoadOptions options)
    {
        if (options.ImageSize is { } asked && (asked < 1 || asked > options.Limits.MaxSide))
        {
            throw new DatasetException(
                DatasetFault.BadHeader, listing.Root, "images cannot be brought to this size", $"{asked}",
                $"1 to {options.Limits.MaxSide}");
        }

        return options.Cache?.Read(listing, options) ?? Decode(listing, options);
    }

    private static DecodedImages Decode(ImageListing listing, LoadOptions options)
    {
        (int Height, int Width) size = options.ImageSize is { } side
            ? (side, side)
            : ImageFile.Read(listing.Train[0].Path, options.Limits).Size;
        foreach (ListedImage[] part in (ListedImage[][])[listing.Train, listing.Test])
        {
            if ((long)part.Length * Channels * size.Height * size.Width > Array.MaxLength)
            {
                throw new DatasetException(
                    DatasetFault.TooLarge, listing.Root, "the decoded images do not fit into one array",
                    $"{part.Length} images of {size.Height}×{size.Width}", $"at most {Array.MaxLength} bytes",
                    "Give a smaller --image-size, or keep fewer images.");
            }
        }

        var images = new DecodedImages(
            size.Height, size.Width, new byte[listing.Train.Length * Channels * size.Height * size.Width],
            new byte[listing.Test.Length * Channels * size.Height * size.Width]);
        var progress = new Counter(listing.Train.Length + listing.Test.Length, options);
        DecodeAll(listing.Train, images.Train, size, listing.Train[0], options, progress);
        DecodeAll(listing.Test, images.Test, size, listing.Train[0], options, progress);
        options.Cache?.Write(listing, options, images);
        return images;
    }

    private static void DecodeAll(
        ListedImage[] files, byte[] pixels, (int Height, int Width) size, ListedImage first, LoadOptions options, Counter progress)
    {
        int imageBytes = Channels * size.Height * size.Width, failed = int.MaxValue;
        DatasetException? failure = null;
        Lock gate = new();
        Parallel.For(0, files.Length, new ParallelOptions { CancellationToken = options.Cancel }, (i, state) =>
        {
            try
            {
                DecodeOne(files[i], pixels.AsSpan(i * imageBytes, imageBytes), size, first, options);
                progress.Add();
            }
            catch (DatasetException e)
            {
                lock (gate)
                {
                    if (i < failed)
                        (failed, failure) = (i, e);
                }

                // All before i are still decoded, so the first fault of the listing is found whatever the order was.
                state.Break();
            }
        });
        if (failure is not null)
            throw failure;
    }

    private static void DecodeOne(
        ListedImage file, Span<byte> destination, (int Height, int Width) size, ListedImage first, LoadOptions options)
    {
        CheckedImage image = ImageFile.Read(file.Path, options.Limits);
        if (options.ImageSize is { } side)
        {
            Resampling.ToSquare(ImageFile.Decode(image, file.Path), image.Height, image.Width, side, destination);
            return;
        }

        if (image.Size != size)
        {
            throw new DatasetException(
                DatasetFault.Mismatch, file.Path, "the image is of another size than the first",
                $"{image.Height}×{image.Width}",
                $"{size.Height}×{size.Width} as {first.Name}", "Bring all to one size with --image-size N.");
        }

        Resampling.ToPlanes(ImageFile.Decode(image, file.Path), destination);
    }

    private sealed class Counter(int total, LoadOptions options)
    {
        private readonly Lock _gate = new();
        private int _done;

        public void Add()
        {
            if (options.Progress is null)
                return;
            lock (_gate)
            {
                if (++_done % BetweenReports == 0 || _done == total)
                    options.Progress("decoding images", _done, total);
            }
        }
    }
}
