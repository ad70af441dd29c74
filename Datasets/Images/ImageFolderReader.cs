using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text;

namespace InfMatch.Datasets;

/// <summary>
/// Reads a folder of images, one folder a class: root/CLASS/*.png or *.jpg, or the same below root/train and root/test
/// (or root/val), in any capitals, or as training, testing, valid, validation. Classes and images are in ordinal order of names, images are RGB whatever their files hold. Without a
/// test part a fifth of each class, chosen by the hash of its name, is held out. Mean and deviation are measured on the
/// training images.
/// </summary>
public static class ImageFolderReader
{
    /// <summary>Name in the catalogue.</summary>
    public const string Name = "image-folder";

    // One image in so many of each class is held out for the test.
    private const int HeldOut = 5;

    private static readonly string[] s_train = ["train", "training"], s_test = ["test", "testing"],
        s_validation = ["val", "valid", "validation"];

    /// <summary>Reads all images of a folder.</summary>
    /// <exception cref="DatasetException">A class is empty, an image is damaged, or sizes differ and none is asked for.
    /// </exception>
    public static DatasetPair LoadFolder(string folder, LoadOptions? options = null)
    {
        options ??= new LoadOptions();
        return ImageDecoding.Load(List(folder, options), null, options);
    }

    internal static ImageListing List(string folder, LoadOptions options)
    {
        DatasetFile.RequireFolder(folder);
        string root = Path.GetFullPath(folder);
        string? train = Part(root, s_train), test = Part(root, s_test), validation = Part(root, s_validation);
        var walk = new FolderWalk(root, options.Limits);
        ImageListing listing;

        // A class may be called train, too, among others and without folders of its own.
        if (train is not null && (test ?? validation) is null && !FolderWalk.HasClassFolders(train)
            && walk.ClassFolders(root).Length > 1)
            (train, walk) = (null, new FolderWalk(root, options.Limits));
        if (train is not null)
        {
            string[] classes = walk.ClassFolders(train);
            listing = new ImageListing(Name, root, [.. classes], All(walk, train, classes), []);
            if ((test ?? validation) is { } tested)
            {
                RequireSameClasses(root, train, classes, tested, walk.ClassFolders(tested));
                listing = listing with { Test = All(walk, tested, classes) };
                options.Note?.Invoke($"{root}: the test images are those in {Path.GetFileName(tested)}.");
                if (test is not null && validation is not null)
                    options.Note?.Invoke($"{root}: the images in {Path.GetFileName(validation)} are not used.");
            }
        }
        else
        {
            string[] classes = walk.ClassFolders(root);
            if (Array.TrueForAll(classes, c => s_test.Concat(s_validation).Contains(c, StringComparer.OrdinalIgnoreCase)))
            {
                throw new DatasetException(
                    DatasetFault.NotFound, root, $"there is a folder {classes[0]} for the test, but no folder train",
                    fix: "Put the class folders for training into a folder train beside it.");
            }

            listing = new ImageListing(Name, root, [.. classes], All(walk, root, classes), []);
        }

        foreach (string left in walk.OfSystems)
            options.Note?.Invoke($"{left} is left out: a system or a program keeps it for itself.");
        if (walk.BesideClasses > 0)
        {
            options.Note?.Invoke(
                $"{root}: {walk.BesideClasses} images lie beside the class folders and are left out: they have no class.");
        }

        if (walk.LeftOut > 0)
            options.Note?.Invoke($"{root}: {walk.LeftOut} files are no images and left out, such as {walk.LeftOutExample}.");
        if (listing.Test.Length > 0)
            return listing;
        listing = Split(listing);
        options.Note?.Invoke(
            $"{root}: there is no test or val folder, so one image in {HeldOut} of each class, chosen by the hash of its name, is " +
            $"held out for the test: {listing.Train.Length} for training, {listing.Test.Length} for the test.");
        return listing;
    }

    // The folder of one of these names in any capitals; null where there is none.
    private static string? Part(string root, string[] names)
    {
        FileSystemInfo[] found =
        [
            .. FolderWalk.Entries(root).Where(e => e is DirectoryInfo && names.Contains(e.Name, StringComparer.OrdinalIgnoreCase)),
        ];
        return found.Length <= 1
            ? found.FirstOrDefault()?.FullName
            : throw new DatasetException(
                DatasetFault.Duplicate, root, $"the folders {found[0].Name} and {found[1].Name} stand for the same part",
                fix: "Keep one of them, or rename one.");
    }

    private static void RequireSameClasses(string root, string train, string[] classes, string test, string[] tested)
    {
        string? alone = classes.Except(tested, StringComparer.Ordinal).Concat(tested.Except(classes, StringComparer.Ordinal))
            .FirstOrDefault();
        if (alone is null)
            return;
        bool isSpelledElse = classes.Count(c => FolderWalk.AreOneName(c, alone))
            + tested.Count(c => FolderWalk.AreOneName(c, alone)) > 1;
        throw new DatasetException(
            DatasetFault.Mismatch, root,
            $"the class {alone} is in one of {Path.GetFileName(train)} and {Path.GetFileName(test)} only"
            + (isSpelledElse ? "; in the other its name has other capitals or another Unicode form" : string.Empty),
            fix: "Give both the same class folders.");
    }

    private static ListedImage[] All(FolderWalk walk, string folder, string[] classes)
    {
        var images = new List<ListedImage>();
        for (int c = 0; c < classes.Length; c++)
        {
            string of = Path.Combine(folder, classes[c]);
            List<ListedImage> found = walk.Images(of, (byte)c);
            if (found.Count == 0)
            {
                throw new DatasetException(
                    DatasetFault.NotEnoughImages, of, "the class has no images", "no PNG or JPEG file",
                    "at least one",
                    "Add images or remove the folder.");
            }

            images.AddRange(found);
        }

        return [.. images];
    }

    // By the hash of names, so that it depends on no order, and that adding an image moves at most one other.
    private static ImageListing Split(ImageListing whole)
    {
        var held = new HashSet<string>(StringComparer.Ordinal);
        foreach (var ofClass in whole.Train.GroupBy(i => i.Label))
        {
            int count = ofClass.Count();
            if (count < 2)
            {
                throw new DatasetException(
                    DatasetFault.NotEnoughImages, Path.Combine(whole.Root, whole.ClassNames[ofClass.Key]),
                    "the class cannot be split into training and test", $"{count} image", "at least 2",
                    "Add images, or give the test images in a folder test.");
            }

            held.UnionWith(ofClass.Select(i => i.Name)
                .OrderBy(n => Convert.ToHexString(SHA256.HashData(Encoding.UTF8.GetBytes(n))), StringComparer.Ordinal)
                .Take(Math.Max(1, count / HeldOut)));
        }

        return whole with
        {
            Train = [.. whole.Train.Where(i => !held.Contains(i.Name))],
            Test = [.. whole.Train.Where(i => held.Contains(i.Name))],
        };
    }
}
