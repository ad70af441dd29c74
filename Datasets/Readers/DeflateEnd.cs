using System.IO.Compression;

namespace InfMatch.Datasets;

/// <summary>Finds where deflate data ends, which the data alone tell and the runtime's stream does not.</summary>
internal static class DeflateEnd
{
    private const int BlockBytes = 4096;

    /// <summary>The place behind the deflate data that begin there, or -1 where they are damaged, end in no final block
    /// or unpack to more than so many bytes.</summary>
    public static int Find(byte[] file, int at, int end, long mostUnpacked)
    {
        // A stream that asks for a byte only when it needs one stops at the last. Since that is slow, a first walk by
        // blocks finds out which of them is the last.
        using var blocks = new Source(file, at, end, oneByOneFrom: end);
        if (!Unpacks(blocks, mostUnpacked))
            return -1;
        using var bytes = new Source(file, at, end, oneByOneFrom: blocks.LastBlock);
        return Unpacks(bytes, mostUnpacked) ? bytes.At : -1;
    }

    private static bool Unpacks(Source source, long most)
    {
        byte[] waste = new byte[BlockBytes];
        try
        {
            using var deflate = new DeflateStream(source, CompressionMode.Decompress, leaveOpen: true);
            for (int got; (got = deflate.Read(waste)) > 0;)
            {
                if ((most -= got) < 0)
                    return false;
            }
        }
        catch (InvalidDataException)
        {
            return false;
        }

        return !source.IsExhausted;
    }

    private sealed class Source(byte[] file, int at, int end, int oneByOneFrom) : Stream
    {
        private readonly int _first = at;

        public int At { get; private set; } = at;

        public int LastBlock { get; private set; } = at;

        /// <summary>Whether more was asked for than there is.</summary>
        public bool IsExhausted { get; private set; }

        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

        public override int Read(Span<byte> buffer)
        {
            // The same blocks in both walks, whatever the buffer is.
            int blockEnd = Math.Min(end, At + BlockBytes - ((At - _first) % BlockBytes));
            int count = Math.Min(buffer.Length, At >= oneByOneFrom ? Math.Min(1, end - At) : blockEnd - At);
            IsExhausted |= count == 0;
            LastBlock = At;
            file.AsSpan(At, count).CopyTo(buffer);
            At += count;
            return count;
        }

        public override void Flush()
        {
        }

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}
