using System.Runtime.InteropServices;
using System.Text;
using InfMatch.Datasets;
using static InfMatch.Tests.Datasets.DatasetBytes;
using static InfMatch.Tests.Datasets.ImageBytes;
using static InfMatch.Tests.Datasets.ImageFolderTests;

namespace InfMatch.Tests.Datasets;

/// <summary>What the names of files and folders mean, and what they do not.</summary>
public sealed class ImageFolderNameTests
{
    [Fact]
    public void A_file_is_an_image_by_its_content_whatever_its_name_is()
    {
        using var folder = TwoClasses();
        int n = 4;
        foreach (string name in (string[])
            ["1.jfif", "2.jpe", "3", "4.JPEG", "5.dat", "6.jif", "7.pjpeg", "8.JFIF", "9.bmp", "10.txt", "11.gif", "12.PNG"])
        {
            folder.Put($"a/x{name}", n % 2 == 0 ? GreyJpeg : PlainPng(8, 8, 1, 2, 3));
            n++;
        }

        folder.Put("a/empty", []);
        folder.Put("a/BMW list.txt", "BMW, the list of all cars of one kind, in order"u8.ToArray());
        var notes = new List<string>();
        Assert.Equal(n, Count(Load(folder, new LoadOptions { ImageSize = 2, Note = notes.Add })));
        Assert.Contains(notes, t => t.Contains("2 files are no images", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("x.jfif", "no image", "this is text")]
    [InlineData("x.jpe", "GIF", "GIF89a of something")]
    [InlineData("x", "GIF", "GIF89a of something")]
    [InlineData("x.txt", "WebP", "RIFF0000WEBPVP8 ")]
    [InlineData("x.data", "TIFF", "II*\0")]
    [InlineData("x.raw", "HEIC", "0000ftypheic")]
    [InlineData("x.raw", "AVIF", "0000ftypavif")]
    [InlineData("x.webp", ".webp", "anything")]
    public void Another_format_is_refused_by_name_whatever_the_file_is_called(string name, string kind, string content)
    {
        using var folder = TwoClasses();
        folder.Put($"a/{name}", Encoding.ASCII.GetBytes(content));
        Refused(DatasetFault.WrongFormat, () => Load(folder), folder[$"a/{name}"], kind);
    }

    [Theory]
    [InlineData("__MACOSX/cat/._1.png")]
    [InlineData("__MACOSX/a/1.png")]
    [InlineData("$RECYCLE.BIN/x/1.png")]
    [InlineData("System Volume Information/x")]
    [InlineData("@eaDir/1.png@SynoEAStream")]
    [InlineData("lost+found/x")]
    [InlineData("a/@eaDir/1.png/SYNOPHOTO_THUMB_M.jpg")]
    [InlineData("b/#recycle/1.png")]
    [InlineData(".ipynb_checkpoints/a-checkpoint.png")]
    [InlineData(".Trashes/501/1.png")]
    [InlineData("a/.ipynb_checkpoints/1.png")]
    public void A_folder_of_a_system_is_no_class(string path)
    {
        using var folder = TwoClasses();
        folder.Put(path, [1]);
        var notes = new List<string>();
        DatasetPair pair = Load(folder, new LoadOptions { Note = notes.Add });
        Assert.Equal(["a", "b"], pair.Train.ClassNames.ToArray());
        Assert.Equal(4, Count(pair));
        string name = path.Split('/').First(p => p is not ("a" or "b"));
        Assert.Equal(!name.StartsWith('.'), notes.Exists(n => n.Contains($"{name} is left out", StringComparison.Ordinal)));
    }

    [Theory]
    [InlineData("Train", "Test")]
    [InlineData("TRAIN", "VAL")]
    [InlineData("training", "Validation")]
    [InlineData("Training", "Testing")]
    [InlineData("train", "valid")]
    public void Parts_are_found_in_any_capitals_and_by_their_long_names(string train, string test)
    {
        using var folder = new TempFolder();
        foreach (string c in (string[])["a", "b"])
        {
            folder.Put($"{train}/{c}/1.png", PlainPng(2, 2, (byte)c[0], 3, 9));
            folder.Put($"{train}/{c}/2.png", PlainPng(2, 2, (byte)c[0], 4, 8));
            folder.Put($"{test}/{c}/1.png", PlainPng(2, 2, 2, 0, 9));
        }

        var notes = new List<string>();
        DatasetPair pair = Load(folder, new LoadOptions { Note = notes.Add });
        Assert.Equal((4, 2, "a b"), (pair.Train.Count, pair.Test.Count, string.Join(' ', pair.Train.ClassNames)));
        Assert.Contains(notes, n => n.Contains($"those in {test}.", StringComparison.Ordinal));
    }

    [Fact]
    public void A_part_that_is_there_twice_is_refused_and_one_that_is_not_used_is_told()
    {
        using var folder = new TempFolder();
        foreach (string part in (string[])["train", "test", "val"])
        {
            folder.Put($"{part}/a/1.png", PlainPng(2, 2, 1, 3, 9));
            folder.Put($"{part}/b/1.png", PlainPng(2, 2, 2, 4, 8));
        }

        var notes = new List<string>();
        Load(folder, new LoadOptions { Note = notes.Add });
        Assert.Contains(notes, n => n.Contains("images in val are not used", StringComparison.Ordinal));
        folder.Put("training/a/1.png", PlainPng(2, 2, 1, 3, 9));
        Refused(DatasetFault.Duplicate, () => Load(folder), "train and training");
    }

    [Fact]
    public void A_class_may_be_called_train()
    {
        using var folder = TwoClasses();
        folder.Put("train/1.png", PlainPng(2, 2, 9, 9, 1));
        folder.Put("train/2.png", PlainPng(2, 2, 9, 9, 2));
        Assert.Equal(["a", "b", "train"], Load(folder).Train.ClassNames.ToArray());
    }

    [Theory]
    [InlineData("caf\u00E9", "cafe\u0301", "U+00E9", "U+0301")]
    [InlineData("\u1EC7", "e\u0302\u0323", "U+1EC7", "U+0323")]
    [InlineData("\u1EC7", "E\u0323\u0302", "U+1EC7", "U+0302")]
    [InlineData("\uD55C\uAE00", "\u1112\u1161\u11AB\u1100\u1173\u11AF", "U+D55C", "U+1112")]
    [InlineData("\u304C", "\u304B\u3099", "U+304C", "U+3099")]
    [InlineData("\u212B", "\u00C5", "U+212B", "U+00C5")]
    [InlineData("\u0419", "\u0418\u0306", "U+0419", "U+0306")]
    public void Two_classes_of_one_name_in_two_unicode_forms_are_refused(string one, string other, params string[] numbers)
    {
        using var folder = TwoClasses();
        folder.Put($"{one}/1.png", PlainPng(2, 2, 9, 9, 1));
        folder.Put($"{other}/1.png", PlainPng(2, 2, 9, 9, 2));
        Refused(DatasetFault.Duplicate, () => Load(folder), ["two Unicode forms", .. numbers]);
    }

    [Fact]
    public void Letters_with_different_marks_are_different_classes()
    {
        using var folder = new TempFolder();
        foreach (string c in (string[])["cafe", "caf\u00E9", "cafe\u0300", "\u00C5", "A", "o\u0308", "\u00F5", "\uD55C", "\uD55D"])
        {
            folder.Put($"{c}/1.png", PlainPng(2, 2, 9, 9, (byte)c.Length));
            folder.Put($"{c}/2.png", PlainPng(2, 2, 9, 8, (byte)(10 * c.Length)));
            folder.Put($"{c}/3.png", PlainPng(2, 2, 1, 3, (byte)(20 * c.Length)));
        }

        Assert.Equal(9, Load(folder).Train.Classes);
        using var parts = new TempFolder();
        parts.Put("train/\u00E9/1.png", PlainPng(1, 1, 1, 1, 1));
        parts.Put("test/e\u0301/1.png", PlainPng(1, 1, 1, 1, 1));
        Refused(DatasetFault.Mismatch, () => Load(parts), "another Unicode form");
    }

    [SkippableTheory]
    [InlineData("a/caf?.png")]
    [InlineData("caf?")]
    public void A_name_that_is_no_utf_8_is_said_to_be_so(string path)
    {
        Skip.IfNot(OperatingSystem.IsLinux(), "other systems keep names as text");
        using var folder = TwoClasses();
        byte[] name = [.. Encoding.UTF8.GetBytes(folder[path]), 0];
        name[Array.LastIndexOf(name, (byte)'?')] = 0xE9;
        Skip.If(MakeFolder(name, 0x1FF) != 0, "this file system takes no such name");
        var e = Refused(DatasetFault.WrongFormat, () => Load(folder), "not UTF-8", "Rename");
        Assert.DoesNotContain("permissions", e.Message, StringComparison.Ordinal);
        _ = RemoveFolder(name);
    }

    [DllImport("libc", EntryPoint = "mkdir")]
    private static extern int MakeFolder(byte[] path, uint mode);

    [DllImport("libc", EntryPoint = "rmdir")]
    private static extern int RemoveFolder(byte[] path);
}
