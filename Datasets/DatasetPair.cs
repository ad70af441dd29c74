using InfMatch.Tensors;

namespace InfMatch.Datasets;

/// <summary>The training set, of which a synthetic set is distilled, and the test set, on which it is evaluated.</summary>
public sealed record DatasetPair
{
    /// <summary>Pairs two sets that must agree in image size, classes and standardisation.</summary>
    /// <exception cref="DatasetException">They do not agree.</exception>
    public DatasetPair(string name, ImageDataset train, ImageDataset test)
    {
        Require(name, "image size [C, H, W]", Size(train), Size(test));
        Require(name, "classes", string.Join(", ", train.ClassNames), string.Join(", ", test.ClassNames));
        Require(name, "standardisation", train.Standardisation.ToString(), test.Standardisation.ToString());
        (Name, Train, Test) = (name, train, test);
    }

    /// <summary>Name in the catalogue, for example "cifar-10".</summary>
    public string Name { get; }

    /// <summary>The training set.</summary>
    public ImageDataset Train { get; }

    /// <summary>The test set.</summary>
    public ImageDataset Test { get; }

    /// <summary>Mean and deviation, the same for both sets.</summary>
    public Standardisation Standardisation => Train.Standardisation;

    /// <summary>The share of the training images that is held out and stands in the place of the test set; 0 where that is the
    /// test set.</summary>
    public double HeldOutShare { get; private init; }

    /// <summary>What the images of <see cref="Test"/> are, for people.</summary>
    public string EvaluationImages => HeldOutShare > 0 ? "validation images" : "test images";

    /// <summary>A pair without a share of the training images of each class, which stand in the place of the test set: what is
    /// chosen by them has not looked at the test images.</summary>
    /// <param name="share">Above 0 and below 1; of a class at least one image is held out, and one is left.</param>
    /// <param name="key">Which images are held out follows from it.</param>
    /// <exception cref="DatasetException">A class has fewer than two images.</exception>
    public DatasetPair HoldOut(double share, RandomKey key)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(share);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(share, 1);
        var held = new bool[Train.Count];
        for (int c = 0; c < Train.Classes; c++)
        {
            int count = Train.CountOfClass(c);
            if (count < 2)
            {
                throw new DatasetException(
                    DatasetFault.NotEnoughImages, Name, $"class {c} ({Train.ClassNames[c]}) has too few images to hold some out",
                    $"{count}", "2 or more", "Hold none out, or add images.");
            }
            int most = Math.Clamp((int)Math.Round(share * count), 1, count - 1);
            foreach (int i in key.Split((ulong)c).Permutation(count).Take(most))
                held[Train.IndicesOfClass(c)[i]] = true;
        }
        int[] Chosen(bool isHeld) => [.. Enumerable.Range(0, held.Length).Where(i => held[i] == isHeld)];
        return new DatasetPair(Name, Train.Subset(Chosen(false)), Train.Subset(Chosen(true))) { HeldOutShare = share };
    }

    /// <summary>The same images under another standardisation, such as that of a distilled set; this pair itself where the
    /// numbers are equal.</summary>
    public DatasetPair With(Standardisation standardisation) => standardisation.Equals(Standardisation)
        ? this
        : new DatasetPair(Name, Train.WithStandardisation(standardisation), Test.WithStandardisation(standardisation))
        {
            HeldOutShare = HeldOutShare,
        };

    private static string Size(ImageDataset set) => $"[{set.Channels}, {set.Height}, {set.Width}]";

    private static void Require(string name, string what, string train, string test)
    {
        if (train != test)
        {
            throw new DatasetException(
                DatasetFault.Mismatch, name, $"training and test set differ in {what}", $"{test} for test",
                $"{train} as for training", "Are the files of two data sets mixed in one folder?");
        }
    }
}
