using InfMatch.Tensors;

namespace InfMatch.Tests.Random;

public class PhiloxTests
{
    // Published vectors: Random123, kat_vectors, lines "philox4x32 10".
    [Theory]
    [InlineData(0u, 0u, 0u, 0u, 0u, 0u, 0x6627e8d5u, 0xe169c58du, 0xbc57ac4cu, 0x9b00dbd8u)]
    [InlineData(0xffffffffu, 0xffffffffu, 0xffffffffu, 0xffffffffu, 0xffffffffu, 0xffffffffu,
        0x408f276du, 0x41c83b0eu, 0xa20bc7c6u, 0x6d5451fdu)]
    [InlineData(0x243f6a88u, 0x85a308d3u, 0x13198a2eu, 0x03707344u, 0xa4093822u, 0x299f31d0u,
        0xd16cfe09u, 0x94fdccebu, 0x5001e420u, 0x24126ea1u)]
    public void Block_gives_the_published_vectors(
        uint c0, uint c1, uint c2, uint c3, uint k0, uint k1, uint x, uint y, uint z, uint w)
    {
        Assert.Equal(new PhiloxBlock(x, y, z, w), Philox.Block(c0, c1, c2, c3, k0, k1));
    }

    [Fact]
    public void Unit_numbers_cover_zero_to_just_below_one()
    {
        Assert.Equal(0f, Philox.ToUnitFloat(0xff));
        Assert.Equal(MathF.BitDecrement(1f), Philox.ToUnitFloat(uint.MaxValue));
        Assert.Equal(0.5f, Philox.ToUnitFloat(0x80000000));
        Assert.Equal(0.0, Philox.ToUnitDouble(0, 0x7ff));
        Assert.Equal(Math.BitDecrement(1.0), Philox.ToUnitDouble(uint.MaxValue, uint.MaxValue));
        Assert.Equal(0.5, Philox.ToUnitDouble(0x80000000, 0));
    }
}
