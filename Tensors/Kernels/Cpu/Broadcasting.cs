using System.Numerics;

namespace InfMatch.Tensors;

/// <summary>
/// Stretching a tensor over a larger shape, and the sum that undoes it. Neighbouring dimensions of one kind (kept or
/// stretched) are merged first: a bias [C], a column [N, 1], a channel [1, C, 1, 1] and a scalar then are all a few
/// long runs, and need no code of their own.
/// </summary>
internal sealed unsafe class Broadcasting
{
    private readonly List<(int Size, bool Kept)> _dimensions = [];

    public Broadcasting(Shape small, Shape large)
    {
        for (int d = 0; d < large.Rank; d++)
        {
            int inSmall = d - (large.Rank - small.Rank), size = large[d];
            if (size == 1)
                continue;
            bool kept = inSmall >= 0 && small[inSmall] == size;
            if (_dimensions.Count > 0 && _dimensions[^1].Kept == kept)
                _dimensions[^1] = (_dimensions[^1].Size * size, kept);
            else
                _dimensions.Add((size, kept));
        }
        if (_dimensions.Count == 0)
            _dimensions.Add((1, true));
        (RunLength, RunKept) = _dimensions[^1];
        Runs = RunLength == 0 ? 0 : large.Count / RunLength;
    }

    /// <summary>The size of the innermost merged dimension.</summary>
    public int RunLength { get; }

    /// <summary>Whether a run has its own elements in the small shape, or one for all.</summary>
    public bool RunKept { get; }

    /// <summary>How many runs the large shape has.</summary>
    public int Runs { get; }

    /// <summary>The size of the outermost merged dimension, and whether it is kept.</summary>
    public (int Size, bool Kept) Outer => _dimensions[0];

    /// <summary>Where run i lies in the small shape.</summary>
    public int Source(int run)
    {
        int source = 0, stride = RunKept ? RunLength : 1;
        for (int d = _dimensions.Count - 2; d >= 0; d--)
        {
            (int size, bool kept) = _dimensions[d];
            if (kept)
            {
                source += run % size * stride;
                stride *= size;
            }
            run /= size;
        }
        return source;
    }

    public void Stretch<T>(WorkerPool pool, HostBlock<T> x, HostBlock<T> y) where T : unmanaged
    {
        pool.RunChunks(Runs, Math.Max(1, 65536 / Math.Max(1, RunLength)), (begin, end) =>
        {
            for (int run = begin; run < end; run++)
            {
                T* from = x.Pointer + Source(run);
                var to = new Span<T>(y.Pointer + (nint)run * RunLength, RunLength);
                if (RunKept)
                    new ReadOnlySpan<T>(from, RunLength).CopyTo(to);
                else
                    to.Fill(*from);
            }
        });
    }

    /// <summary>Sums in float64. Work is cut along the outermost dimension: where it is kept, its parts have sums of
    /// their own; where it is summed over, at most eight parts have partial sums, which are added in order.</summary>
    public void Sum<T>(WorkerPool pool, HostBlock<T> x, HostBlock<T> y, SumOfRun<T> sumOfRun)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        int count = y.Length, total = x.Length;
        if (total == 0 || count == 0)
        {
            WorkerPool.RunOnce(() => y.Span.Clear());
            return;
        }
        bool single = Runs == 1;
        int steps = single ? RunLength : Outer.Size, perStep = total / steps;
        int least = Math.Max(1, 65536 / perStep);
        int part = Outer.Kept ? least : Math.Max(least, (steps + 7) / 8), parts = (steps + part - 1) / part;
        int copies = Outer.Kept ? 1 : parts;
        double* sums = Scratch.Get<double>(ScratchUse.Partials, (long)copies * count);
        WorkerPool.RunOnce(() =>
        {
            for (long i = 0; i < (long)copies * count; i++)
                sums[i] = 0;
        });
        pool.Run(parts, p =>
        {
            int begin = p * part, end = Math.Min(steps, begin + part);
            double* mine = sums + (Outer.Kept ? 0 : (nint)p * count);
            if (single)
            {
                AddRun(x.Pointer + begin, end - begin, RunKept ? mine + begin : mine, sumOfRun);
                return;
            }
            int runsPerStep = Runs / steps;
            for (int run = begin * runsPerStep; run < end * runsPerStep; run++)
                AddRun(x.Pointer + (nint)run * RunLength, RunLength, mine + Source(run), sumOfRun);
        });
        WorkerPool.RunOnce(() =>
        {
            for (int i = 0; i < count; i++)
            {
                double sum = sums[i];
                for (int p = 1; p < copies; p++)
                    sum += sums[(nint)p * count + i];
                y.Pointer[i] = T.CreateTruncating(sum);
            }
        });
    }

    private void AddRun<T>(T* x, int length, double* sums, SumOfRun<T> sumOfRun)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        if (!RunKept)
        {
            *sums += sumOfRun(x, length);
            return;
        }
        for (int i = 0; i < length; i++)
            sums[i] += double.CreateTruncating(x[i]);
    }
}

/// <summary>Σ x over a run, in float64.</summary>
internal unsafe delegate double SumOfRun<T>(T* x, int count) where T : unmanaged;
