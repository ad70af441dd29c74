using System.Numerics;

namespace InfMatch.Tensors;

/// <summary>
/// Bilinear sampling by an affine map. Where each output pixel of an image reads, and with which weight, is computed
/// once in float64 and used for all channels. A corner of weight zero is not touched, so identity, flips and whole
/// pixel shifts move numbers exactly, and no infinity beside a pixel leaks into it.
/// </summary>
internal static unsafe class AffineSampling
{
    public static void Forward<T>(WorkerPool pool, Shape shape, HostBlock<T> x, HostBlock<T> transforms, HostBlock<T> y)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        int channels = shape[1], height = shape[2], width = shape[3], area = height * width;
        pool.Run(shape[0], n =>
        {
            Table(transforms.Pointer + n * 6, height, width, out int* corners, out T* weights);
            for (int c = 0; c < channels; c++)
            {
                nint plane = ((nint)n * channels + c) * area;
                T* from = x.Pointer + plane, to = y.Pointer + plane;
                for (int i = 0; i < area; i++)
                {
                    T sum = T.Zero;
                    for (int corner = 4 * i; corner < 4 * i + 4; corner++)
                    {
                        if (weights[corner] != T.Zero)
                            sum += weights[corner] * from[corners[corner]];
                    }
                    to[i] = sum;
                }
            }
        });
    }

    public static void Backward<T>(
        WorkerPool pool, Shape shape, HostBlock<T> dy, HostBlock<T> transforms, HostBlock<T> dx)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        int channels = shape[1], height = shape[2], width = shape[3], area = height * width;
        pool.Run(shape[0], n =>
        {
            Table(transforms.Pointer + n * 6, height, width, out int* corners, out T* weights);
            for (int c = 0; c < channels; c++)
            {
                nint plane = ((nint)n * channels + c) * area;
                T* from = dy.Pointer + plane, to = dx.Pointer + plane;
                new Span<T>(to, area).Clear();
                for (int i = 0; i < area; i++)
                for (int corner = 4 * i; corner < 4 * i + 4; corner++)
                {
                    if (weights[corner] != T.Zero)
                        to[corners[corner]] += weights[corner] * from[i];
                }
            }
        });
    }

    // Four corners for each output pixel: the place in the plane and the weight, zero for a corner outside.
    private static void Table<T>(T* transform, int height, int width, out int* corners, out T* weights)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        corners = Scratch.Get<int>(ScratchUse.Offsets, 4L * height * width);
        weights = Scratch.Get<T>(ScratchUse.Weights, 4L * height * width);
        double* a = stackalloc double[6];
        for (int i = 0; i < 6; i++)
            a[i] = double.CreateTruncating(transform[i]);
        double centreX = (width - 1) / 2.0, centreY = (height - 1) / 2.0;
        int at = 0;
        for (int h = 0; h < height; h++)
        for (int w = 0; w < width; w++)
        {
            double u = w - centreX, v = h - centreY;
            double sourceX = a[0] * u + a[1] * v + a[2] + centreX, sourceY = a[3] * u + a[4] * v + a[5] + centreY;
            int left = (int)Math.Floor(sourceX), top = (int)Math.Floor(sourceY);
            double fx = sourceX - left, fy = sourceY - top;
            for (int corner = 0; corner < 4; corner++, at++)
            {
                int row = top + corner / 2, column = left + corner % 2;
                bool inside = row >= 0 && row < height && column >= 0 && column < width;
                corners[at] = inside ? row * width + column : 0;
                weights[at] = inside
                    ? T.CreateTruncating((corner / 2 == 0 ? 1 - fy : fy) * (corner % 2 == 0 ? 1 - fx : fx))
                    : T.Zero;
            }
        }
    }
}
