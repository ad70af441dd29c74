namespace InfMatch.Tensors.IO;

/// <summary>Passes reads through and computes the CRC-32 (polynomial EDB88320, as in zip) of what was read.</summary>
internal sealed class Crc32Stream(Stream inner) : Stream
{
    private static readonly uint[] s_table = MakeTable();

    private uint _state = uint.MaxValue;

    public uint Checksum => ~_state;

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override int Read(Span<byte> buffer)
    {
        int got = inner.Read(buffer);
        foreach (byte value in buffer[..got])
            _state = s_table[(byte)(_state ^ value)] ^ (_state >> 8);
        return got;
    }

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public override void Flush()
    {
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    private static uint[] MakeTable()
    {
        uint[] table = new uint[256];
        for (uint value = 0; value < 256; value++)
        {
            uint remainder = value;
            for (int bit = 0; bit < 8; bit++)
                remainder = (remainder & 1) == 0 ? remainder >> 1 : (remainder >> 1) ^ 0xEDB88320;
            table[value] = remainder;
        }

        return table;
    }
}
