namespace InfMatch.Tensors;

/// <summary>
/// The vector operations that the CPU kernels need, so that each kernel is written once and compiled for every width
/// and number type: the JIT specialises on the struct that implements this, and nothing is left of the indirection.
/// </summary>
internal unsafe interface ISimd<T, V> where T : unmanaged where V : struct
{
    /// <summary>Numbers in one vector.</summary>
    static abstract int Width { get; }

    /// <summary>Rows of the register tile of a matrix product: 8×2 vectors where the instruction set has 32 registers,
    /// 6×2 where it has 16.</summary>
    static abstract int TileRows { get; }

    static abstract V Load(T* p);

    static abstract void Store(V v, T* p);

    static abstract V Broadcast(T value);

    /// <summary>a·b + c, with one rounding where the processor has the instruction; see <see cref="FusedArithmetic"/>.
    /// </summary>
    static abstract V MultiplyAdd(V a, V b, V c);

    static abstract V Add(V a, V b);

    static abstract V Subtract(V a, V b);

    static abstract V Multiply(V a, V b);

    /// <summary>0 where z is below 0, else z: NaN stays.</summary>
    static abstract V Relu(V z);

    /// <summary>x where z is above 0, else 0.</summary>
    static abstract V WherePositive(V z, V x);

    /// <summary>The sum of all lanes, added in float64 so that the last additions cost no accuracy.</summary>
    static abstract double Sum(V v);

    /// <summary>Adds a·b, exact for float, to two vectors of float64 lanes (the second is unused for double).</summary>
    static abstract void AccumulateWide(V a, V b, ref V low, ref V high);

    /// <summary>The sum of the float64 lanes of <see cref="AccumulateWide"/>.</summary>
    static abstract double SumWide(V low, V high);

    /// <summary>[a0 + a1, a2 + a3, …, b0 + b1, …].</summary>
    static abstract V PairSums(V a, V b);

    /// <summary>[low half of a + its high half, low half of b + its high half].</summary>
    static abstract V HalfSums(V a, V b);

    /// <summary>[v0, v0, v1, v1, …] as two vectors.</summary>
    static abstract void Duplicate(V v, out V low, out V high);
}
