using System.Buffers;
using System.Buffers.Binary;

namespace InfMatch.Datasets;

/// <summary>Writes a JPEG file anew from what its guard has understood.</summary>
internal sealed class JpegSegments(int capacity)
{
    private readonly ArrayBufferWriter<byte> _bytes = new(capacity);
    private readonly JpegHuffmanTable?[] _written = new JpegHuffmanTable?[8];
    private int _interval;

    /// <summary>The file.</summary>
    public byte[] Bytes => _bytes.WrittenSpan.ToArray();

    public void Marker(byte marker) => _bytes.Write<byte>([0xFF, marker]);

    public void Frame(JpegFrame frame, byte[] ids)
    {
        Span<byte> body = stackalloc byte[6 + (3 * ids.Length)];
        body[0] = 8;
        BinaryPrimitives.WriteUInt16BigEndian(body[1..], (ushort)frame.Height);
        BinaryPrimitives.WriteUInt16BigEndian(body[3..], (ushort)frame.Width);
        body[5] = (byte)ids.Length;
        for (int i = 0; i < ids.Length; i++)
        {
            JpegComponent c = frame.Components[i];
            ((ReadOnlySpan<byte>)[ids[i], (byte)((c.Across << 4) | c.Down), (byte)i]).CopyTo(body[(6 + (3 * i))..]);
        }

        Segment(frame.Marker, body);
    }

    public void Steps(int slot, ushort[] steps)
    {
        bool wide = Array.Exists(steps, s => s > 255);
        Span<byte> body = stackalloc byte[1 + (wide ? 2 * JpegFrame.Block : JpegFrame.Block)];
        body[0] = (byte)((wide ? 0x10 : 0) | slot);
        for (int k = 0; k < steps.Length; k++)
        {
            if (wide)
                BinaryPrimitives.WriteUInt16BigEndian(body[(1 + (2 * k))..], steps[k]);
            else
                body[1 + k] = (byte)steps[k];
        }

        Segment(0xDB, body);
    }

    /// <summary>A Huffman table, where it does not stand there already.</summary>
    public void Table(bool forMeans, int slot, JpegHuffmanTable table)
    {
        int index = (forMeans ? 0 : 4) + slot;
        if (ReferenceEquals(_written[index], table))
            return;
        _written[index] = table;
        Segment(0xC4, [(byte)((forMeans ? 0 : 0x10) | slot), .. table.Definition]);
    }

    /// <summary>The units between two restarts, where that is another number than before.</summary>
    public void Interval(int interval)
    {
        if (_interval == interval)
            return;
        _interval = interval;
        Segment(0xDD, [(byte)(interval >> 8), (byte)interval]);
    }

    public void Segment(byte marker, ReadOnlySpan<byte> body)
    {
        Marker(marker);
        _bytes.Write<byte>([(byte)((body.Length + 2) >> 8), (byte)(body.Length + 2)]);
        _bytes.Write(body);
    }

    /// <summary>Coded data: a zero goes behind each byte of ones.</summary>
    public void Coded(ReadOnlySpan<byte> data)
    {
        for (int ones; (ones = data.IndexOf((byte)0xFF)) >= 0; data = data[(ones + 1)..])
        {
            _bytes.Write(data[..(ones + 1)]);
            _bytes.Write<byte>([(byte)0]);
        }

        _bytes.Write(data);
    }

    public void Restart(int marker) => Marker((byte)marker);
}
