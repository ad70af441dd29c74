using System.Numerics;
using System.Runtime.CompilerServices;

namespace InfMatch.Tensors;

/// <summary>Linear elementwise kernels and the dot product on ranges of memory, one chunk at a time.</summary>
internal static unsafe class Elementwise<T, V, S>
    where T : unmanaged, IBinaryFloatingPointIeee754<T> where V : struct where S : struct, ISimd<T, V>
{
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Affine(T* x, T scale, T shift, T* y, int count)
    {
        V a = S.Broadcast(scale), b = S.Broadcast(shift);
        int i = 0;
        for (; i + S.Width <= count; i += S.Width)
            S.Store(S.MultiplyAdd(a, S.Load(x + i), b), y + i);
        for (; i < count; i++)
            y[i] = FusedArithmetic.MultiplyAdd(scale, x[i], shift);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Axpy(T a, T* x, T* y, T* z, int count)
    {
        V factor = S.Broadcast(a);
        int i = 0;
        for (; i + S.Width <= count; i += S.Width)
            S.Store(S.MultiplyAdd(factor, S.Load(x + i), S.Load(y + i)), z + i);
        for (; i < count; i++)
            z[i] = FusedArithmetic.MultiplyAdd(a, x[i], y[i]);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void SgdStep(
        T* theta, T* velocity, T* gradient, T rate, T momentum, T weightDecay, T* newTheta, T* newVelocity, int count)
    {
        V eta = S.Broadcast(-rate), mu = S.Broadcast(momentum), lambda = S.Broadcast(weightDecay);
        int i = 0;
        for (; i + S.Width <= count; i += S.Width)
        {
            V t = S.Load(theta + i);
            V v = S.MultiplyAdd(mu, S.Load(velocity + i), S.MultiplyAdd(lambda, t, S.Load(gradient + i)));
            S.Store(v, newVelocity + i);
            S.Store(S.MultiplyAdd(eta, v, t), newTheta + i);
        }
        for (; i < count; i++)
        {
            T t = theta[i];
            T v = FusedArithmetic.MultiplyAdd(momentum, velocity[i], FusedArithmetic.MultiplyAdd(weightDecay, t, gradient[i]));
            newVelocity[i] = v;
            newTheta[i] = FusedArithmetic.MultiplyAdd(-rate, v, t);
        }
    }

    /// <summary>Σ x·y in float64 lanes; the lanes are added at the end, then the remainder in order.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static double Dot(T* x, T* y, int count)
    {
        V zero = S.Broadcast(T.Zero), low0 = zero, high0 = zero, low1 = zero, high1 = zero;
        int w = S.Width, i = 0;
        for (; i + 2 * w <= count; i += 2 * w)
        {
            S.AccumulateWide(S.Load(x + i), S.Load(y + i), ref low0, ref high0);
            S.AccumulateWide(S.Load(x + i + w), S.Load(y + i + w), ref low1, ref high1);
        }
        double sum = S.SumWide(low0, high0) + S.SumWide(low1, high1);
        for (; i < count; i++)
            sum += double.CreateTruncating(x[i]) * double.CreateTruncating(y[i]);
        return sum;
    }

    /// <summary>Σ x in float64 lanes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static double Sum(T* x, int count)
    {
        V one = S.Broadcast(T.One), low = S.Broadcast(T.Zero), high = low;
        int i = 0;
        for (; i + S.Width <= count; i += S.Width)
            S.AccumulateWide(S.Load(x + i), one, ref low, ref high);
        double sum = S.SumWide(low, high);
        for (; i < count; i++)
            sum += double.CreateTruncating(x[i]);
        return sum;
    }
}
