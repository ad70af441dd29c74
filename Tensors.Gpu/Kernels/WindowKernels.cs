using System.Numerics;
using ILGPU;

namespace InfMatch.Tensors;

/// <summary>
/// Instance norm, ReLU and mean pool for planes that windows of 2 × 2 cover, no more of them than a group has threads: a
/// thread holds the four numbers of its window in registers, so that a plane is read once and its gradient written once.
/// </summary>
internal static class WindowKernels
{
    /// <summary>As <see cref="PlaneKernels.NormReluPool{T, N}"/>.</summary>
    public static void NormReluPool<T, N, G>(
        ArrayView<T> x, ArrayView<T> gamma, ArrayView<T> beta, ArrayView<T> y, PlaneSizes<T> s)
        where T : unmanaged, IBinaryFloatingPointIeee754<T> where N : struct, IDeviceNumbers<T> where G : struct, IGroupSums
    {
        ArrayView<T> shared = SharedMemory.Allocate<T>(ReductionKernels.MostThreads);
        int o = Group.IdxX, plane = Grid.IdxX, windows = s.OutH * s.OutW, c = plane % s.C;
        NormedWindow<T> v = Load<T, N, G>(shared, x, s, plane, o, windows);
        if (o >= windows)
            return;
        T slope = gamma[c] * v.Scale, shift = beta[c];
        y[plane * windows + o] =
            (Passed(slope, v.X, shift) + Passed(slope, v.Y, shift) + (Passed(slope, v.Z, shift) + Passed(slope, v.W, shift))) * s.Share;
    }

    /// <summary>As <see cref="PlaneKernels.NormReluPoolGradient{T, N}"/>.</summary>
    public static void NormReluPoolGradient<T, N, G>(
        ArrayView<T> x, ArrayView<T> gamma, ArrayView<T> beta, ArrayView<T> dy, ArrayView<T> dx,
        ArrayView<T> dgamma, ArrayView<T> dbeta, PlaneSizes<T> s, int needsInput)
        where T : unmanaged, IBinaryFloatingPointIeee754<T> where N : struct, IDeviceNumbers<T> where G : struct, IGroupSums
    {
        ArrayView<T> shared = SharedMemory.Allocate<T>(ReductionKernels.MostThreads);
        int o = Group.IdxX, plane = Grid.IdxX, windows = s.OutH * s.OutW, c = plane % s.C;
        NormedWindow<T> v = Load<T, N, G>(shared, x, s, plane, o, windows);
        T g = gamma[c], b = beta[c], received = T.Zero;
        if (o < windows)
            received = dy[plane * windows + o] * s.Share;
        v.X *= v.Scale;
        v.Y *= v.Scale;
        v.Z *= v.Scale;
        v.W *= v.Scale;
        var dz = new Four<T>
        {
            X = Received(g, v.X, b, received), Y = Received(g, v.Y, b, received), Z = Received(g, v.Z, b, received),
            W = Received(g, v.W, b, received),
        };
        T sum = G.Sum(shared, dz.X + dz.Y + (dz.Z + dz.W));
        T sumNormal = G.Sum(shared, DeviceIntrinsics.MultiplyAdd(
            dz.X, v.X, DeviceIntrinsics.MultiplyAdd(dz.Y, v.Y, DeviceIntrinsics.MultiplyAdd(dz.Z, v.Z, dz.W * v.W))));
        if (o == 0)
        {
            dgamma[plane] = sumNormal;
            dbeta[plane] = sum;
        }
        if (needsInput == 0 || o >= windows)
            return;
        T size = N.Of(s.H * s.W), share = sum / size, normalShare = sumNormal / size, factor = g * v.Scale;
        int corner = CornerOf(s, plane, o);
        dx[corner] = factor * DeviceIntrinsics.MultiplyAdd(-v.X, normalShare, dz.X - share);
        dx[corner + 1] = factor * DeviceIntrinsics.MultiplyAdd(-v.Y, normalShare, dz.Y - share);
        dx[corner + s.W] = factor * DeviceIntrinsics.MultiplyAdd(-v.Z, normalShare, dz.Z - share);
        dx[corner + s.W + 1] = factor * DeviceIntrinsics.MultiplyAdd(-v.W, normalShare, dz.W - share);
    }

    private static int CornerOf<T>(PlaneSizes<T> s, int plane, int o) where T : unmanaged
    {
        int row = s.ByOutW.Quotient(o);
        return (plane * s.H + 2 * row) * s.W + 2 * (o - row * s.OutW);
    }

    private static T Passed<T>(T slope, T deviation, T shift) where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        T z = DeviceIntrinsics.MultiplyAdd(slope, deviation, shift);
        return z < T.Zero ? T.Zero : z;
    }

    private static T Received<T>(T gamma, T normal, T beta, T received) where T : unmanaged, IBinaryFloatingPointIeee754<T> =>
        DeviceIntrinsics.MultiplyAdd(gamma, normal, beta) > T.Zero ? received : T.Zero;

    // As the moments of PlaneKernels. A thread without a window holds zeros, which add nothing.
    private static NormedWindow<T> Load<T, N, G>(
        ArrayView<T> shared, ArrayView<T> x, PlaneSizes<T> s, int plane, int o, int windows)
        where T : unmanaged, IBinaryFloatingPointIeee754<T> where N : struct, IDeviceNumbers<T> where G : struct, IGroupSums
    {
        bool isThere = o < windows;
        int corner = isThere ? CornerOf(s, plane, o) : plane * s.H * s.W;
        T a = isThere ? x[corner] : T.Zero, b = isThere ? x[corner + 1] : T.Zero;
        T c = isThere ? x[corner + s.W] : T.Zero, d = isThere ? x[corner + s.W + 1] : T.Zero;
        T size = N.Of(s.H * s.W), mean = G.Sum(shared, a + b + (c + d)) / size, taken = isThere ? mean : T.Zero;
        a -= taken;
        b -= taken;
        c -= taken;
        d -= taken;
        T rest = G.Sum(shared, a + b + (c + d)) / size;
        T squares = DeviceIntrinsics.MultiplyAdd(
            a, a, DeviceIntrinsics.MultiplyAdd(b, b, DeviceIntrinsics.MultiplyAdd(c, c, d * d)));
        T variance = DeviceIntrinsics.MultiplyAdd(-rest, rest, G.Sum(shared, squares) / size);
        variance = variance < T.Zero ? T.Zero : variance;
        return new NormedWindow<T>
        {
            X = a - rest, Y = b - rest, Z = c - rest, W = d - rest, Scale = T.One / N.Sqrt(variance + s.Epsilon),
        };
    }
}

/// <summary>A window's numbers without the mean of their plane, and one over its deviation.</summary>
internal struct NormedWindow<T> where T : unmanaged
{
    public T X, Y, Z, W, Scale;
}
