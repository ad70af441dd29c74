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

    /// <summary>The same images under another standardisation, such as that of a distilled set; this pair itself where the
    /// numbers are equal.</summary>
    public DatasetPair With(Standardisation standardisation) => standardisation.Equals(Standardisation)
        ? this
        : new DatasetPair(Name, Train.WithStandardisation(standardisation), Test.WithStandardisation(standardisation));

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
