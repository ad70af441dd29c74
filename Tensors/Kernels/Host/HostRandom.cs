using System.Numerics;

namespace InfMatch.Tensors;

/// <summary>Random numbers in host memory.</summary>
internal static class HostRandom
{
    /// <summary>y_i = low + (high − low)·u_i in float64, rounded to T; u_i is number i of the key.</summary>
    public static void Uniform<T>(RandomKey key, double low, double high, Span<T> y) where T : unmanaged, INumber<T>
    {
        Span<double> some = stackalloc double[256];
        for (int start = 0; start < y.Length; start += some.Length)
        {
            Span<double> u = some[..Math.Min(some.Length, y.Length - start)];
            key.Uniform(u, start);
            for (int i = 0; i < u.Length; i++)
                y[start + i] = T.CreateTruncating(low + u[i] * (high - low));
        }
    }
}
