using System.Collections.Immutable;
using System.Text.RegularExpressions;

namespace InfMatch.Datasets;

/// <summary>A file as its publisher offers it.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Addresses">Where it is offered, the publisher first, then mirrors; the sum decides, not the
/// place.</param>
/// <param name="Md5">MD5 in lower-case hex, as published; null where none is known, and the reader of the set
/// decides.</param>
/// <param name="Bytes">Its length, or null where it is not known.</param>
public sealed record PublishedFile(string Name, ImmutableArray<Uri> Addresses, string? Md5, long? Bytes = null);

/// <summary>What a packed file must hold, and what of it is taken.</summary>
/// <param name="Wanted">Decides by the full name of a member whether it is taken; all others are left out.</param>
/// <param name="Folder">The folder that it unpacks to.</param>
/// <param name="MaxMembers">The most members taken.</param>
/// <param name="MaxMemberBytes">The largest member taken.</param>
/// <param name="Required">Members without which it is not complete.</param>
public sealed record ArchiveContents(
    Func<string, bool> Wanted, string Folder, int MaxMembers, long MaxMemberBytes, ImmutableArray<string> Required);

/// <summary>Where and as what a data set is published.</summary>
/// <param name="Dataset">Name in the catalogue.</param>
/// <param name="Folder">The folder for its files, below the one that is asked for.</param>
/// <param name="Files">Its files.</param>
/// <param name="Archive">What the one file holds, where it is packed.</param>
public sealed partial record DownloadSource(
    string Dataset, string Folder, ImmutableArray<PublishedFile> Files, ArchiveContents? Archive = null)
{
    private const string Kriz = "https://www.cs.toronto.edu/~kriz/";

    /// <summary>
    /// All that can be downloaded. The sums are those of the publishers (CIFAR:
    /// https://www.cs.toronto.edu/~kriz/cifar.html, Fashion-MNIST: its README) or, where these give none, those by
    /// which torchvision knows the same files.
    /// </summary>
    public static ImmutableArray<DownloadSource> All { get; } =
    [
        new("fashion-mnist", "fashion-mnist", Idx(
            ["http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/"],
            ["8d4fb7e6c68d591d4c3dfef9ec88bf0d", "25c81989df183df01b3e8a0aad5dffbe", "bef4ecab320f06d8554ea6380940ec79",
                "bb300cfdad3c16e7a12a480ee83cd310"])),
        new("mnist", "mnist", Idx(
            ["http://yann.lecun.com/exdb/mnist/", "https://ossci-datasets.s3.amazonaws.com/mnist/"],
            ["f68b3c2dcbeaaa9fbdd348bbdeb94873", "d53e105ee54ea40749a09fcbcd1e9432", "9fb629c4189551a2d022fa330f9573f3",
                "ec29112dd5afa0611ce80d1b7f02629c"])),
        new("cifar-10", CifarReader.FolderName,
            [Of("cifar-10-binary.tar.gz", Kriz, "c32a1d4ab5d03f1284b67883e8d87530", 170_052_171)],
            Members(CifarReader.FolderName, 40L << 20, "data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin",
                "data_batch_4.bin", "data_batch_5.bin", "test_batch.bin")),
        new("cifar-100", Cifar100Reader.FolderName,
            [Of("cifar-100-binary.tar.gz", Kriz, "03b5dce01913d631647c71ecec9e9cb8", 168_513_733)],
            Members(Cifar100Reader.FolderName, 200L << 20, Cifar100Reader.TrainFile, Cifar100Reader.TestFile)),
        new("svhn", "svhn",
        [
            Of(SvhnReader.TrainFile, "http://ufldl.stanford.edu/housenumbers/", "e26dedcc434d2e4c54c9b2d4a06d8373",
                182_040_794),
            Of(SvhnReader.TestFile, "http://ufldl.stanford.edu/housenumbers/", "eb5a983be6a315427106f1b164d9cef3",
                64_275_384),
        ]),
        new("tiny-imagenet", TinyImageNetReader.FolderName,
            [Of("tiny-imagenet-200.zip", "http://cs231n.stanford.edu/", "90528d7ca1a48142e341f4ef8d21d0de",
                248_100_043)],
            new ArchiveContents(
                name => TinyMember().IsMatch(name), TinyImageNetReader.FolderName, 120_000, 16L << 20,
                [.. ((string[])["wnids.txt", "words.txt", "val/val_annotations.txt"])
                    .Select(n => $"{TinyImageNetReader.FolderName}/{n}")])),
    ];

    // All of the published folder but the test images, which have no labels, and the boxes of objects.
    [GeneratedRegex(
        @"^tiny-imagenet-200/(?:wnids\.txt|words\.txt|val/val_annotations\.txt|val/images/val_\d{1,5}\.JPEG|" +
        @"train/(?<id>n\d{8})/images/\k<id>_\d{1,4}\.JPEG)\z", RegexOptions.None, 1000)]
    private static partial Regex TinyMember();

    private static PublishedFile Of(string name, string site, string md5, long bytes) =>
        new(name, [new Uri(site + name)], md5, bytes);

    private static ImmutableArray<PublishedFile> Idx(string[] sites, string[] sums) =>
    [
        .. ((string[])["train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz", "t10k-images-idx3-ubyte.gz",
            "t10k-labels-idx1-ubyte.gz"])
            .Select((name, i) => new PublishedFile(name, [.. sites.Select(s => new Uri(s + name))], sums[i])),
    ];

    private static ArchiveContents Members(string folder, long maxBytes, params string[] names)
    {
        string[] full = [.. names.Select(n => $"{folder}/{n}")];
        return new ArchiveContents(n => full.Contains(n, StringComparer.Ordinal), folder, full.Length, maxBytes,
            [.. full]);
    }
}
