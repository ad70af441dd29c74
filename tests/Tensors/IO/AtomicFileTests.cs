using System.Text;
using InfMatch.Tensors.IO;

namespace InfMatch.Tests.IO;

public class AtomicFileTests
{
    [Fact]
    public void Writes_and_replaces_and_leaves_nothing_else()
    {
        using TemporaryFolder folder = new();
        string path = folder.At("a.txt");
        AtomicFile.WriteAllText(path, "old");
        AtomicFile.WriteAllText(path, "né");
        Assert.Equal([0x6e, 0xc3, 0xa9], File.ReadAllBytes(path));
        Assert.Equal(["a.txt"], folder.Names);
    }

    [Fact]
    public void A_failing_callback_leaves_the_old_file_and_no_temporary_one()
    {
        using TemporaryFolder folder = new();
        string path = folder.At("a.txt");
        AtomicFile.WriteAllText(path, "old");
        Action<Stream> write = stream =>
        {
            stream.Write("new and longer"u8);
            throw new InvalidOperationException("stop");
        };
        Assert.Equal("stop", Assert.Throws<InvalidOperationException>(() => AtomicFile.Write(path, write)).Message);
        Assert.Equal("old", File.ReadAllText(path));
        Assert.Equal(["a.txt"], folder.Names);
    }

    [Fact]
    public void Whatever_call_fails_a_reader_finds_the_old_or_the_new_file()
    {
        using TemporaryFolder folder = new();
        string path = folder.At("a.bin");
        byte[] old = Encoding.UTF8.GetBytes(new string('o', 1000));
        byte[] fresh = Encoding.UTF8.GetBytes(new string('n', 3000));
        int failures = 0;
        for (int n = 1; ; n++)
        {
            File.WriteAllBytes(path, old);
            FaultyFiles files = new(n);
            Exception? failure = Record.Exception(() => AtomicFile.Write(path, stream =>
            {
                for (int at = 0; at < fresh.Length; at += 1000)
                    stream.Write(fresh, at, 1000);
            }, files));
            Assert.Equal(["a.bin"], folder.Names);
            if (!files.Failed)
            {
                Assert.Null(failure);
                break;
            }

            failures++;
            Exception told = failure!;
            Assert.IsAssignableFrom<IOException>(told);
            Assert.Contains("No space left", told.Message, StringComparison.Ordinal);

            // Only the flush of the folder comes after the rename.
            bool renamed = told.Message.Contains("flush folder", StringComparison.Ordinal);
            Assert.Equal(renamed ? fresh : old, File.ReadAllBytes(path));
        }

        // create, three writes, flush, rename, flush of the folder
        Assert.Equal(7, failures);
        Assert.Equal(fresh, File.ReadAllBytes(path));
    }

    [Fact]
    public void A_missing_folder_is_named_with_the_fix()
    {
        using TemporaryFolder folder = new();
        FileWriteException e = Assert.Throws<FileWriteException>(
            () => AtomicFile.WriteAllText(Path.Combine(folder.At("none"), "a.txt"), "x"));
        string fact = $"the folder '{folder.At("none")}' does not exist. Create it";
        Assert.Contains(fact, e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_folder_of_the_same_name_is_refused_and_kept()
    {
        using TemporaryFolder folder = new();
        Directory.CreateDirectory(folder.At("a"));
        FileWriteException e = Assert.Throws<FileWriteException>(() => AtomicFile.WriteAllText(folder.At("a"), "x"));
        Assert.Contains(folder.At("a"), e.Message, StringComparison.Ordinal);
        Assert.Equal(["a"], folder.Names);
        Assert.True(Directory.Exists(folder.At("a")));
    }

    [Fact]
    public void A_refused_folder_is_named_with_the_fix()
    {
        using TemporaryFolder folder = new();
        FileWriteException e = Assert.Throws<FileWriteException>(
            () => AtomicFile.WriteAllText(folder.At("a.txt"), "x", new RefusingFiles()));
        Assert.Contains($"the folder '{folder.Root}'", e.Message, StringComparison.Ordinal);
        Assert.Contains("not writable", e.Message, StringComparison.Ordinal);
        Assert.IsType<UnauthorizedAccessException>(e.InnerException);
    }

    [SkippableFact]
    public void A_read_only_folder_is_named_with_the_fix()
    {
        Skip.If(Environment.IsPrivilegedProcess, "permissions do not bind this user");
        using TemporaryFolder folder = new();
        string closed = Directory.CreateDirectory(folder.At("closed")).FullName;
        if (OperatingSystem.IsWindows())
            throw new SkipException("Unix permissions");
        File.SetUnixFileMode(closed, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        FileWriteException e = Assert.Throws<FileWriteException>(
            () => AtomicFile.WriteAllText(Path.Combine(closed, "a.txt"), "x"));
        Assert.Contains($"'{closed}'", e.Message, StringComparison.Ordinal);
    }

    [SkippableFact]
    public void Flushing_a_missing_folder_fails()
    {
        Skip.If(OperatingSystem.IsWindows(), "Windows needs no flush of folders");
        using TemporaryFolder folder = new();
        FileOperations.Disk.FlushFolder(folder.Root);
        FileWriteException e = Assert.Throws<FileWriteException>(
            () => FileOperations.Disk.FlushFolder(folder.At("none")));
        Assert.Contains(folder.At("none"), e.Message, StringComparison.Ordinal);
    }

    private sealed class RefusingFiles : FileOperations
    {
        public override Stream Create(string path) => throw new UnauthorizedAccessException("denied");
    }
}
