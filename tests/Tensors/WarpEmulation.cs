using System.Globalization;
using InfMatch.Tensors;

namespace InfMatch.Tests.Tensors;

/// <summary>
/// The 32 lanes of a warp running the text of <see cref="TensorCoreCode"/> as the PTX ISA defines it. Registers are
/// known by what the text declares, so that a slip in a name is an error here and not on a GPU.
/// </summary>
internal sealed class WarpEmulation
{
    public const int Lanes = 32;

    private const long DustBits = 0x1fff, Dust = 0x1a5b;

    private readonly Dictionary<string, long[]> _registers = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string[]> _parsed = new(StringComparer.Ordinal);

    /// <summary>What was stored to global memory, by address.</summary>
    public Dictionary<long, float> Memory { get; } = [];

    /// <summary>Rounding to TF32 as cvt.rna does it: to the nearest of 10 bits behind the leading one, ties away from
    /// zero.</summary>
    public static float Round(float x) => float.IsFinite(x)
        ? BitConverter.UInt32BitsToSingle((BitConverter.SingleToUInt32Bits(x) + 0x1000u) & ~0x1fffu)
        : x;

    /// <summary>Runs a text with its operands %0, %1 … for each lane, floats as their bits.</summary>
    public void Run(string text, params long[][] operands)
    {
        if (!_parsed.TryGetValue(text, out string[]? statements))
            _parsed.Add(text, statements = Parse(text));
        bool isBlock = text.StartsWith("{ ", StringComparison.Ordinal);
        string[] before = isBlock ? [.. _registers.Keys] : [];
        foreach (string statement in statements)
            Execute(statement, operands);
        if (isBlock)
        {
            foreach (string name in _registers.Keys.Except(before, StringComparer.Ordinal).ToArray())
                _registers.Remove(name);
        }
    }

    public static long[] Floats(Func<int, float> ofLane) =>
        [.. Enumerable.Range(0, Lanes).Select(lane => (long)BitConverter.SingleToUInt32Bits(ofLane(lane)))];

    public static long[] Numbers(Func<int, long> ofLane) => [.. Enumerable.Range(0, Lanes).Select(ofLane)];

    private static string[] Parse(string text)
    {
        string inner = text.StartsWith("{ ", StringComparison.Ordinal) ? text[2..text.LastIndexOf('}')] : text;
        return [.. inner.Split(';').Select(s => s.Trim()).Where(s => s.Length > 0)];
    }

    private void Execute(string statement, long[][] operands)
    {
        if (statement.StartsWith(".reg", StringComparison.Ordinal))
        {
            Declare(statement);
            return;
        }
        bool isGuarded = statement.StartsWith('@');
        string[] words = statement.Split(' ', isGuarded ? 3 : 2);
        string code = words[^2];
        string[] names = words[^1].Split(['{', '}', '[', ']', ',', ' '], StringSplitOptions.RemoveEmptyEntries);
        long[][] x = [.. names.Skip(code.StartsWith("st", StringComparison.Ordinal) ? 0 : 1).Select(n => Value(n, operands))];
        switch (code)
        {
            case "mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32":
                Multiply(names, operands);
                break;
            case "st.global.f32":
                long[] guard = _registers[words[0][1..]];
                for (int lane = 0; lane < Lanes; lane++)
                {
                    if (guard[lane] != 0)
                        Memory.Add(x[0][lane], Single(x[1][lane]));
                }
                break;
            default:
                Set(names[0], lane => Scalar(code, [.. x.Select(v => v[lane])]));
                break;
        }
    }

    private static long Scalar(string code, long[] x) => code switch
    {
        "mov.f32" or "mov.b64" => x[0],
        // The ISA leaves the last 13 bits open. Here they are a mark: who reads the register as a float is found out, and a
        // factor of mma bears the mark or was cleaned.
        "cvt.rna.tf32.f32" => Bits(Round(Single(x[0]))) | Dust,
        "and.b32" => x[0] & x[1],
        "sub.rn.f32" => Bits(Single(x[0]) - Single(x[1])),
        "add.rn.f32" => Bits(Single(x[0]) + Single(x[1])),
        "add.s64" => x[0] + x[1],
        "setp.gt.s32" => x[0] > x[1] ? 1 : 0,
        _ => throw new NotSupportedException($"The text has '{code}', which is not emulated."),
    };

    private void Declare(string statement)
    {
        // Such as ".reg .f32 acc<64>, zero".
        foreach (string name in statement.Split(' ', 3)[2].Split(", "))
        {
            int open = name.IndexOf('<', StringComparison.Ordinal);
            if (open < 0)
            {
                _registers.Add(name, new long[Lanes]);
                continue;
            }
            int count = int.Parse(name[(open + 1)..^1], CultureInfo.InvariantCulture);
            for (int i = 0; i < count; i++)
                _registers.Add($"{name[..open]}{i}", new long[Lanes]);
        }
    }

    private long[] Value(string name, long[][] operands) =>
        name[0] == '%' ? operands[int.Parse(name[1..], CultureInfo.InvariantCulture)]
        : name == "0f00000000" ? new long[Lanes]
        : name.StartsWith("0x", StringComparison.Ordinal) ? Numbers(_ => System.Convert.ToInt64(name, 16))
        : int.TryParse(name, CultureInfo.InvariantCulture, out int number) ? Numbers(_ => number)
        : _registers[name];

    private void Set(string name, Func<int, long> value) => _registers[name] = _registers.ContainsKey(name)
        ? Numbers(value)
        : throw new InvalidOperationException($"The register {name} is not declared.");

    // d = a·b + c, names 0-3, 4-7, 8-9 and 10-13 being the fragments, in the order of the ISA's tables.
    private void Multiply(string[] names, long[][] operands)
    {
        Assert.Equal(14, names.Length);
        long[][] x = [.. names.Select(n => Value(n, operands))];
        var a = new double[16, 8];
        var b = new double[8, 8];
        var c = new double[16, 8];
        for (int lane = 0; lane < Lanes; lane++)
        {
            int g = lane >> 2, t = lane % 4;
            (a[g, t], a[g + 8, t]) = (Tf32(x[4][lane]), Tf32(x[5][lane]));
            (a[g, t + 4], a[g + 8, t + 4]) = (Tf32(x[6][lane]), Tf32(x[7][lane]));
            (b[t, g], b[t + 4, g]) = (Tf32(x[8][lane]), Tf32(x[9][lane]));
            (c[g, 2 * t], c[g, 2 * t + 1]) = (Single(x[10][lane]), Single(x[11][lane]));
            (c[g + 8, 2 * t], c[g + 8, 2 * t + 1]) = (Single(x[12][lane]), Single(x[13][lane]));
        }
        for (int row = 0; row < 16; row++)
        for (int column = 0; column < 8; column++)
            c[row, column] = Sum(a, b, c[row, column], row, column);
        Set(names[0], lane => Bits((float)c[lane >> 2, 2 * (lane % 4)]));
        Set(names[1], lane => Bits((float)c[lane >> 2, 2 * (lane % 4) + 1]));
        Set(names[2], lane => Bits((float)c[(lane >> 2) + 8, 2 * (lane % 4)]));
        Set(names[3], lane => Bits((float)c[(lane >> 2) + 8, 2 * (lane % 4) + 1]));
    }

    // The ISA leaves rounding open. This supposes little of it: every term cut off one bit behind the last of the largest
    // term, and the sum at 24 bits.
    private static double Sum(double[,] a, double[,] b, double start, int row, int column)
    {
        double largest = Math.Abs(start);
        for (int k = 0; k < 8; k++)
            largest = Math.Max(largest, Math.Abs(a[row, k] * b[k, column]));
        if (largest == 0)
            return 0;
        double unit = Math.ScaleB(1, Math.ILogB(largest) - 24), sum = Math.Truncate(start / unit);
        for (int k = 0; k < 8; k++)
            sum += Math.Truncate(a[row, k] * b[k, column] / unit);
        if (sum == 0)
            return 0;
        double last = Math.ScaleB(1, Math.ILogB(sum) - 23);
        return Math.Truncate(sum / last) * last * unit;
    }

    private static double Tf32(long bits)
    {
        Assert.True((bits & DustBits) is 0 or Dust, "A factor of mma was not rounded to TF32.");
        return Single(bits & ~DustBits);
    }

    private static float Single(long bits) => BitConverter.UInt32BitsToSingle((uint)bits);

    private static long Bits(float x) => BitConverter.SingleToUInt32Bits(x);
}
