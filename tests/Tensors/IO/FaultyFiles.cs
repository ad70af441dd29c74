using InfMatch.Tensors.IO;

namespace InfMatch.Tests.IO;

/// <summary>
/// The real file system, except that the n-th call fails; a failing write stores half of its bytes first.
/// </summary>
internal sealed class FaultyFiles(int failAt) : FileOperations
{
    public int Calls { get; private set; }

    public bool Failed => Calls >= failAt;

    public override Stream Create(string path)
    {
        Count("create");
        return new FaultyStream(this, base.Create(path));
    }

    public override void FlushToDisk(Stream stream)
    {
        Count("flush");
        base.FlushToDisk(((FaultyStream)stream).Inner);
    }

    public override void Replace(string source, string destination)
    {
        Count("rename");
        base.Replace(source, destination);
    }

    public override void FlushFolder(string folder)
    {
        Count("flush folder");
        base.FlushFolder(folder);
    }

    private void Count(string what)
    {
        if (++Calls == failAt)
            throw new IOException($"No space left on device ({what}, call {Calls})");
    }

    private sealed class FaultyStream(FaultyFiles files, Stream inner) : Stream
    {
        public Stream Inner => inner;

        public override bool CanRead => false;

        public override bool CanSeek => inner.CanSeek;

        public override bool CanWrite => true;

        public override long Length => inner.Length;

        public override long Position { get => inner.Position; set => inner.Position = value; }

        public override void Write(ReadOnlySpan<byte> buffer)
        {
            try
            {
                files.Count("write");
            }
            catch (IOException)
            {
                inner.Write(buffer[..(buffer.Length / 2)]);
                throw;
            }

            inner.Write(buffer);
        }

        public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

        public override void Flush() => inner.Flush();

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => inner.Seek(offset, origin);

        public override void SetLength(long value) => inner.SetLength(value);

        protected override void Dispose(bool disposing)
        {
            inner.Dispose();
            base.Dispose(disposing);
        }
    }
}
