using InfMatch.Tensors.IO;

namespace InfMatch.Tests.IO;

public class NamedArrayTests
{
    [Fact]
    public void Typed_views_show_the_wrapped_data_without_a_copy()
    {
        float[] data = [1, 2, 3, 4, 5, 6];
        NamedArray array = NamedArray.From("w", [2, 3], data);
        data[5] = 7;
        Assert.Equal([1, 2, 3, 4, 5, 7], array.AsFloat32().ToArray());
        Assert.Equal(24, array.ByteCount);
        Assert.Equal("w: Float32 [2, 3]", array.ToString());
        Assert.Equal([1.5], NamedArray.From("x", [], new[] { 1.5 }).AsFloat64().ToArray());
        Assert.Equal([-1], NamedArray.From("x", [1], new[] { -1 }).AsInt32().ToArray());
        Assert.Equal([long.MinValue], NamedArray.From("x", [1], new[] { long.MinValue }).AsInt64().ToArray());
        Assert.Equal([(byte)200], NamedArray.From("x", [1], new byte[] { 200 }).AsUInt8().ToArray());
        Assert.Equal(0, NamedArray.From("x", [3, 0], Array.Empty<float>()).Count);
    }

    [Fact]
    public void A_view_of_another_type_names_both_types()
    {
        NamedArray array = NamedArray.From("labels", [2], new[] { 1, 2 });
        InvalidOperationException e = Assert.Throws<InvalidOperationException>(() => array.AsFloat32().Length);
        Assert.Equal("labels: Int32 [2]: asked for Float32, the array holds Int32. Use AsInt32().", e.Message);
    }

    [Theory]
    [InlineData(new int[0], 0)]
    [InlineData(new[] { 3 }, 2)]
    [InlineData(new[] { -1, -2 }, 2)]
    [InlineData(new[] { 65536, 65536, 65536, 65536 }, 0)]
    public void Dimensions_that_do_not_fit_the_data_are_refused(int[] dimensions, int length)
    {
        ArgumentException e = Assert.Throws<ArgumentException>(
            () => NamedArray.From("w", dimensions, new float[length]));
        Assert.Contains($"do not describe the {length} elements", e.Message, StringComparison.Ordinal);
    }

    // Not a theory: attributes are stored as UTF-8 and would replace the lone surrogate.
    [Fact]
    public void Unusable_names_are_refused() => Assert.All(
        ["", "a\n", "a\udc00", "\ud800b"],
        name => Assert.Throws<ArgumentException>(() => NamedArray.From(name, [0], Array.Empty<float>())));
}
