using System.Diagnostics;
using InfMatch.Tensors.IO;

namespace InfMatch.Tests.IO;

public class SafetensorsWriterTests
{
    private static readonly ArrayLayout[] s_layouts =
    [
        new("empty", ArrayElement.Int32, [0]),
        new("params", ArrayElement.Float32, [3, 4]),
        new("loss", ArrayElement.Float64, [3]),
        new("none", ArrayElement.UInt8, [2, 0]),
    ];

    [Fact]
    public void Rows_appended_one_by_one_make_the_file_that_is_written_at_once()
    {
        using TemporaryFolder folder = new();
        string path = folder.At("t.safetensors");
        Dictionary<string, string> metadata = new(StringComparer.Ordinal) { ["k"] = "v" };
        using (SafetensorsWriter writer = SafetensorsWriter.Create(path, s_layouts, metadata))
        {
            for (int row = 0; row < 3; row++)
                writer.Append("params", [row, row + 0.25f, row + 0.5f, row + 0.75f]);
            Assert.Equal(["t.safetensors.partial"], folder.Names);
            writer.Append("loss", [3.0, 2.0, 1.0]);
            writer.Complete();
        }

        Assert.Equal(["t.safetensors"], folder.Names);
        ArraySet set = Safetensors.Read(path);
        Assert.Equal("empty params loss none", string.Join(' ', set.Arrays.Select(a => a.Name)));
        Assert.Equal(Enumerable.Range(0, 12).Select(i => i * 0.25f), set["params"].AsFloat32().ToArray().Order());
        Assert.Equal([3.0, 2.0, 1.0], set["loss"].AsFloat64().ToArray());
        Assert.Equal("v", set.Metadata["k"]);
    }

    [Fact]
    public void An_unfinished_file_is_told_apart()
    {
        using TemporaryFolder folder = new();
        string path = folder.At("t.safetensors");
        using SafetensorsWriter writer = SafetensorsWriter.Create(path, s_layouts);
        writer.Append("params", new float[4]);
        InvalidOperationException missing = Assert.Throws<InvalidOperationException>(writer.Complete);
        Assert.Contains("'params' still lacks 8 of 12 elements", missing.Message, StringComparison.Ordinal);

        SafetensorsException e = Assert.Throws<SafetensorsException>(() => SafetensorsHeader.Read(path));
        Assert.Contains("unfinished", e.Message, StringComparison.Ordinal);

        writer.Dispose();
        Assert.Empty(folder.Names);
        Assert.Throws<FileNotFoundException>(() => SafetensorsHeader.Read(path));
    }

    [Fact]
    public void What_a_killed_run_left_cannot_be_read_and_is_replaced_by_the_next_run()
    {
        using TemporaryFolder folder = new();
        string path = folder.At("t.safetensors");
        ArrayLayout[] layouts = [new("a", ArrayElement.UInt8, [300_000])];
        using (SafetensorsWriter writer = SafetensorsWriter.Create(path, layouts))
        {
            writer.Append("a", new byte[300_000]);
            writer.Complete();
        }

        // The bytes a kill would have left: the true header and a third of the data.
        File.WriteAllBytes(path + SafetensorsWriter.PartialSuffix, File.ReadAllBytes(path)[..100_000]);
        File.Delete(path);
        SafetensorsException e = Assert.Throws<SafetensorsException>(
            () => SafetensorsHeader.Read(path + SafetensorsWriter.PartialSuffix));
        Assert.Contains("cut short or unfinished", e.Message, StringComparison.Ordinal);

        using (SafetensorsWriter writer = SafetensorsWriter.Create(path, layouts))
        {
            writer.Append("a", new byte[300_000]);
            writer.Complete();
        }

        Assert.Equal(["t.safetensors"], folder.Names);
        Assert.Equal(300_000, Safetensors.Read(path)["a"].Count);
    }

    [Fact]
    public void Wrong_order_type_or_amount_is_refused()
    {
        using TemporaryFolder folder = new();
        using SafetensorsWriter writer = SafetensorsWriter.Create(folder.At("t"), s_layouts);
        Assert.Throws<InvalidOperationException>(() => writer.Append("loss", new double[3]));
        Assert.Throws<InvalidOperationException>(() => writer.Append("params", new double[3]));
        InvalidOperationException e = Assert.Throws<InvalidOperationException>(
            () => writer.Append("params", new float[13]));
        Assert.Contains("expected at most 12 Float32 elements of 'params'", e.Message, StringComparison.Ordinal);
        writer.Append("params", new float[12]);
        writer.Append("loss", new double[3]);
        e = Assert.Throws<InvalidOperationException>(() => writer.Append("loss", new double[1]));
        Assert.Contains("all arrays are complete", e.Message, StringComparison.Ordinal);
        writer.Complete();
        Assert.Throws<InvalidOperationException>(writer.Complete);
        Assert.Throws<InvalidOperationException>(() => writer.Append("loss", new double[1]));
    }

    [Fact]
    public void Every_element_type_can_be_appended()
    {
        using TemporaryFolder folder = new();
        string path = folder.At("t");
        ArrayLayout[] layouts = [.. ArrayElements.Kept.Select(e => new ArrayLayout(e.ToString(), e, [2]))];
        using (SafetensorsWriter writer = SafetensorsWriter.Create(path, layouts))
        {
            writer.Append("Float32", [1f, 2f]);
            writer.Append("Float64", [3.0, 4.0]);
            writer.Append("Int32", [5, 6]);
            writer.Append("Int64", [7L, 8L]);
            writer.Append("UInt8", [(byte)9, (byte)10]);
            writer.Complete();
        }

        ArraySet set = Safetensors.Read(path);
        Assert.Equal([1f, 2f], set["Float32"].AsFloat32().ToArray());
        Assert.Equal([3.0, 4.0], set["Float64"].AsFloat64().ToArray());
        Assert.Equal([5, 6], set["Int32"].AsInt32().ToArray());
        Assert.Equal([7L, 8L], set["Int64"].AsInt64().ToArray());
        Assert.Equal([(byte)9, (byte)10], set["UInt8"].AsUInt8().ToArray());
    }

    [Fact]
    public void Whatever_call_fails_the_old_file_stays_readable_or_the_new_one_is_complete()
    {
        using TemporaryFolder folder = new();
        string path = folder.At("t.safetensors");
        Safetensors.Write(path, [NamedArray.From("version", [1], new[] { 1 })]);
        byte[] old = File.ReadAllBytes(path);
        int failures = 0;
        for (int n = 1; ; n++)
        {
            File.WriteAllBytes(path, old);
            FaultyFiles files = new(n);
            Exception? failure = Record.Exception(() =>
            {
                using SafetensorsWriter writer = SafetensorsWriter.Create(
                    path, [new("version", ArrayElement.Int32, [1])], files: files);
                writer.Append("version", [2]);
                writer.Complete();
            });
            Assert.Equal(["t.safetensors"], folder.Names);
            int version = Safetensors.Read(path)["version"].AsInt32()[0];
            if (!files.Failed)
            {
                Assert.Null(failure);
                Assert.Equal(2, version);
                break;
            }

            failures++;
            Assert.IsAssignableFrom<IOException>(failure);
            Assert.Equal(failure!.Message.Contains("flush folder", StringComparison.Ordinal) ? 2 : 1, version);
        }

        // create, header, one row, flush, rename, flush of the folder
        Assert.Equal(6, failures);
    }

    [Fact]
    public void A_second_writer_of_the_same_file_is_refused()
    {
        using TemporaryFolder folder = new();
        using SafetensorsWriter first = SafetensorsWriter.Create(folder.At("t"), s_layouts);
        Assert.Throws<FileWriteException>(() => SafetensorsWriter.Create(folder.At("t"), s_layouts));
        first.Append("params", new float[12]);
        first.Append("loss", new double[3]);
        first.Complete();
        Assert.Equal(3, SafetensorsHeader.Read(folder.At("t"))["loss"].Dimensions[0]);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_link_in_the_place_of_the_partial_file_is_refused_and_what_it_leads_to_stays(bool exists)
    {
        using TemporaryFolder folder = new();
        string target = folder.At("precious");
        if (exists)
            File.WriteAllText(target, "precious");
        File.CreateSymbolicLink(folder.At("t" + SafetensorsWriter.PartialSuffix), target);
        FileWriteException e = Assert.Throws<FileWriteException>(() => SafetensorsWriter.Create(folder.At("t"), s_layouts));
        Assert.Contains(folder.At("t" + SafetensorsWriter.PartialSuffix), e.Message, StringComparison.Ordinal);
        Assert.Contains($"link to '{target}'", e.Message, StringComparison.Ordinal);
        Assert.Equal(exists, File.Exists(target));
        Assert.NotNull(new FileInfo(folder.At("t" + SafetensorsWriter.PartialSuffix)).LinkTarget);
        if (exists)
            Assert.Equal("precious", File.ReadAllText(target));
    }

    [Fact]
    public void A_link_in_the_place_of_the_file_is_replaced_and_what_it_leads_to_stays()
    {
        using TemporaryFolder folder = new();
        File.WriteAllText(folder.At("precious"), "precious");
        File.CreateSymbolicLink(folder.At("t"), folder.At("precious"));
        using (SafetensorsWriter writer = SafetensorsWriter.Create(folder.At("t"), s_layouts))
        {
            writer.Append("params", new float[12]);
            writer.Append("loss", new double[3]);
            writer.Complete();
        }
        Assert.Equal("precious", File.ReadAllText(folder.At("precious")));
        Assert.Null(new FileInfo(folder.At("t")).LinkTarget);
        Assert.Equal(3, SafetensorsHeader.Read(folder.At("t"))["loss"].Dimensions[0]);
    }

    // A folder that was copied by hard links shares the content of its files with the copy.
    [SkippableFact]
    public void Another_name_of_a_partial_file_keeps_its_content()
    {
        Skip.If(OperatingSystem.IsWindows());
        using TemporaryFolder folder = new();
        File.WriteAllText(folder.At("t" + SafetensorsWriter.PartialSuffix), "left");
        using (var link = Process.Start("ln", [folder.At("t" + SafetensorsWriter.PartialSuffix), folder.At("other")]))
            link.WaitForExit();
        using SafetensorsWriter writer = SafetensorsWriter.Create(folder.At("t"), s_layouts);
        writer.Append("params", new float[12]);
        Assert.Equal("left", File.ReadAllText(folder.At("other")));
    }
}
