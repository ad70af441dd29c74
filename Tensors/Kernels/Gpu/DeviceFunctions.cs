using System.Numerics;

namespace InfMatch.Tensors;

/// <summary>A function of one number as a kernel computes it.</summary>
internal interface IDeviceFunction
{
    static abstract T Apply<T, N>(T x)
        where T : unmanaged, IBinaryFloatingPointIeee754<T> where N : struct, IDeviceNumbers<T>;
}

/// <summary>A function whose definition is arithmetic alone: the device takes the definition.</summary>
internal readonly struct Defined<F> : IDeviceFunction where F : struct, IUnaryFunction
{
    public static T Apply<T, N>(T x)
        where T : unmanaged, IBinaryFloatingPointIeee754<T> where N : struct, IDeviceNumbers<T> => F.Apply(x);
}

internal readonly struct DeviceExp : IDeviceFunction
{
    public static T Apply<T, N>(T x)
        where T : unmanaged, IBinaryFloatingPointIeee754<T> where N : struct, IDeviceNumbers<T> => N.Exp(x);
}

internal readonly struct DeviceLog : IDeviceFunction
{
    public static T Apply<T, N>(T x)
        where T : unmanaged, IBinaryFloatingPointIeee754<T> where N : struct, IDeviceNumbers<T> => N.Log(x);
}

internal readonly struct DeviceSqrt : IDeviceFunction
{
    public static T Apply<T, N>(T x)
        where T : unmanaged, IBinaryFloatingPointIeee754<T> where N : struct, IDeviceNumbers<T> => N.Sqrt(x);
}

/// <summary>tanh x = 1 − 2/(e^(2|x|) + 1), with x's sign.</summary>
internal readonly struct DeviceTanh : IDeviceFunction
{
    public static T Apply<T, N>(T x)
        where T : unmanaged, IBinaryFloatingPointIeee754<T> where N : struct, IDeviceNumbers<T>
    {
        T two = T.One + T.One, size = x < T.Zero ? -x : x;
        T y = T.One - two / (N.Exp(two * size) + T.One);
        return x < T.Zero ? -y : y;
    }
}

internal readonly struct DeviceSigmoid : IDeviceFunction
{
    public static T Apply<T, N>(T x)
        where T : unmanaged, IBinaryFloatingPointIeee754<T> where N : struct, IDeviceNumbers<T> =>
        T.One / (T.One + N.Exp(-x));
}

internal readonly struct DeviceSoftplus : IDeviceFunction
{
    public static T Apply<T, N>(T x)
        where T : unmanaged, IBinaryFloatingPointIeee754<T> where N : struct, IDeviceNumbers<T> =>
        (x > T.Zero ? x : T.Zero) + N.Log(T.One + N.Exp(x > T.Zero ? -x : x));
}
