using InfMatch.Influence;
using InfMatch.Tensors;
using InfMatch.Tensors.IO;

namespace InfMatch.Tests.Influence;

public sealed class CheckpointStreamTests
{
    private readonly CpuBackend _backend = new(1);

    [Fact]
    public void Vectors_arrive_in_order_as_they_were_when_added_however_slow_the_writer()
    {
        var written = new List<float[]>();
        using var stream = new CheckpointStream<float>(values =>
        {
            Thread.Sleep(1);
            written.Add(values);
        });
        using Tensor theta = Tensor.From<float>(_backend, [0, 0, 0], new Shape(3));
        for (int i = 0; i < 40; i++)
        {
            _backend.Fill(theta, i);
            stream.Add(theta);
            if (i % 7 == 0)
                stream.Read();
        }
        int live = _backend.Memory.LiveBuffers;
        stream.Complete();
        Assert.Equal(Enumerable.Range(0, 40).Select(i => (float[])[i, i, i]), written);
        Assert.True(live > 1 && _backend.Memory.LiveBuffers == 1);
    }

    [Theory]
    [InlineData(1)] // found when the stream is completed
    [InlineData(40)] // found while vectors are still coming: the queue is full of what nobody takes
    public void A_writer_that_fails_is_an_error_of_the_training_and_nothing_is_left(int vectors)
    {
        using (var stream = new CheckpointStream<float>(_ =>
            throw FileWriteException.For("there", new IOException("disk full"))))
        {
            using Tensor theta = Tensor.From<float>(_backend, [1, 2, 3], new Shape(3));
            FileWriteException e = Assert.Throws<FileWriteException>(() =>
            {
                for (int i = 0; i < vectors; i++)
                {
                    stream.Add(theta);
                    stream.Read();
                }
                stream.Complete();
            });
            Assert.Contains("disk full", e.Message, StringComparison.Ordinal);
        }
        Assert.Equal(0, _backend.Memory.LiveBuffers);
    }

    [Fact]
    public void A_stream_that_is_given_up_ends_its_writer_and_gives_the_memory_back()
    {
        int written = 0;
        using Tensor theta = Tensor.From<float>(_backend, [1, 2, 3], new Shape(3));
        using (var stream = new CheckpointStream<float>(_ => Interlocked.Increment(ref written)))
        {
            stream.Add(theta);
            stream.Read();
            stream.Add(theta);
        }
        Assert.Equal(1, written);
        Assert.Equal(1, _backend.Memory.LiveBuffers);
    }

    [Fact]
    public void Large_vectors_do_not_pile_up_on_the_device()
    {
        using var stream = new CheckpointStream<float>(_ => { });
        using Tensor theta = Tensor.Full(_backend, DType.Float32, new Shape(3 << 20), 1);
        for (int i = 0; i < 12; i++)
        {
            stream.Add(theta);
            Assert.InRange(_backend.Memory.InUse, 0, (64L << 20) + theta.Count * sizeof(float));
        }
    }
}
