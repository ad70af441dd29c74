using InfMatch.Datasets;

namespace InfMatch.Tests.Datasets;

/// <summary>The built-in set of image-text pairs.</summary>
public sealed class PairsDemoTests
{
    private static PairSplits Pairs => PairCatalog.Load("pairs-demo");

    [Fact]
    public void It_is_what_it_says_of_itself_and_the_same_each_time()
    {
        PublishedPairs published = new PairsDemoSet().Published;
        PairSplits pairs = Pairs;
        Assert.Equal(
            (published.Train, published.Dev, published.Test), (pairs.Train.ImageCount, pairs.Dev.ImageCount, pairs.Test.ImageCount));
        Assert.All(
            Enumerable.Range(0, pairs.Test.ImageCount), i => Assert.Equal(published.CaptionsOfImage, pairs.Test.CaptionsOf(i).Length));
        PairSplits again = PairsDemoSet.Make();
        Assert.Equal(pairs.Train.ContentHash(), again.Train.ContentHash());
        Assert.Equal(pairs.Test.ContentHash(), again.Test.ContentHash());
        Assert.Throws<DatasetException>(() => PairCatalog.Load("pairs-demo", Path.GetTempPath()));
    }

    [Fact]
    public void Captions_name_the_article_and_what_is_seen()
    {
        PairDataset test = Pairs.Test;
        int bag = Enumerable.Range(0, test.ImageCount).First(i => test.Images!.ClassNames[test.Images.Label(i)] == "Bag");
        Assert.All(test.CaptionsOf(bag), c => Assert.Contains("bag: ", test.Captions[c].Text, StringComparison.Ordinal));
        // The whitest third of the pictures is called light or white more often than the darkest.
        int[] byBrightness = [.. Enumerable.Range(0, test.ImageCount).OrderBy(i => test.Images!.Image(i).ToArray().Sum(p => p))];
        int Called(IEnumerable<int> images) => images.Count(i => test.Captions[test.CaptionsOf(i)[0]].Text.Split(':')[0] is var said
            && (said.Contains(" light ", StringComparison.Ordinal) || said.Contains(" white ", StringComparison.Ordinal)));
        Assert.Equal(0, Called(byBrightness.Take(100)));
        Assert.True(Called(byBrightness.TakeLast(60)) > 50);
    }

    [Fact]
    public void A_linear_map_of_all_training_pairs_retrieves_far_above_chance_both_ways()
    {
        PairSplits pairs = Pairs;
        (double captions, double images) = new LinearRetrieval(pairs.Train, 1e-4, 1e-3, 16).RecallAtOne(pairs.Test);
        Assert.True(captions > 0.8 && images > 0.8, $"captions of images {captions:P1}, images of captions {images:P1}");
        // One from pairs that do not belong together knows nothing.
        PairDataset train = pairs.Train;
        int[] shifted = [.. Enumerable.Range(0, train.ImageCount).Select(i => (i + 1) % train.ImageCount)];
        var wrong = new PairDataset(
            "shifted", train.ImageNames, train.Captions, train.ImageFeatures!.Subset(shifted), train.CaptionFeatures);
        (captions, images) = new LinearRetrieval(wrong, 1e-4, 1e-3, 16).RecallAtOne(pairs.Test);
        Assert.True(captions < 0.03 && images < 0.03, $"captions of images {captions:P1}, images of captions {images:P1}");
    }
}
