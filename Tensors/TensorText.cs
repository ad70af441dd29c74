using System.Globalization;
using System.Text;

namespace InfMatch.Tensors;

/// <summary>The numbers of a tensor as text: in rows, aligned, and of many only the ends of each axis.</summary>
internal static class TensorText
{
    private const int MostNumbers = 1000, AtEachEnd = 3, Columns = 88, Skipped = -1;

    public static bool CanRead(Tensor x) => CapturedGraph.Current is null && !x.Storage.IsReleased;

    public static string Numbers(Tensor x)
    {
        if (x.Shape.Rank == 0)
            return x.DType == DType.Float32 ? Shortest(x.ToArray<float>()[0]) : Shortest(x.ToArray<double>()[0]);
        if (x.Count == 0)
            return "[]";
        int[][] places = [.. Enumerable.Range(0, x.Shape.Rank).Select(axis => Places(x.Shape[axis], x.Count))];
        List<Tensor> pieces = [];
        Collect(x, places, 0, 0, pieces);
        double[] numbers = x.DType == DType.Float32
            ? [.. x.Backend.DownloadAll<float>(pieces).SelectMany(piece => piece).Select(v => (double)v)]
            : [.. x.Backend.DownloadAll<double>(pieces).SelectMany(piece => piece)];
        string[] words = Aligned(numbers);
        var text = new StringBuilder();
        Write(text, places, 0, new Queue<string>(words));
        return text.ToString();
    }

    private static string Shortest<T>(T value) where T : IFormattable => Word(value.ToString("R", CultureInfo.InvariantCulture));

    // Which places of an axis are shown.
    private static int[] Places(int size, int count) => count <= MostNumbers || size <= 2 * AtEachEnd
        ? [.. Enumerable.Range(0, size)]
        : [.. Enumerable.Range(0, AtEachEnd), Skipped, .. Enumerable.Range(size - AtEachEnd, AtEachEnd)];

    // Views of what is shown, in order: the whole, or the ends of each row.
    private static void Collect(Tensor x, int[][] places, int axis, int start, List<Tensor> pieces)
    {
        if (!places.Any(of => of.Contains(Skipped)))
        {
            pieces.Add(x);
            return;
        }
        int size = x.Shape[axis];
        if (axis == places.Length - 1)
        {
            bool isWhole = places[axis].Length == size;
            pieces.Add(x.View(start * size, new Shape(isWhole ? size : AtEachEnd)));
            if (!isWhole)
                pieces.Add(x.View(start * size + size - AtEachEnd, new Shape(AtEachEnd)));
            return;
        }
        foreach (int place in places[axis].Where(p => p != Skipped))
            Collect(x, places, axis + 1, start * size + place, pieces);
    }

    private static void Write(StringBuilder text, int[][] places, int axis, Queue<string> words)
    {
        bool isInnermost = axis == places.Length - 1;
        string between = isInnermost ? ", " : "," + new string('\n', places.Length - 1 - axis) + new string(' ', axis + 1);
        text.Append('[');
        int column = axis + 1;
        for (int i = 0; i < places[axis].Length; i++)
        {
            if (i > 0)
                text.Append(between);
            if (places[axis][i] == Skipped)
                text.Append('…');
            else if (!isInnermost)
                Write(text, places, axis + 1, words);
            else
            {
                string word = words.Dequeue();
                if (column + word.Length > Columns)
                {
                    text.Length--;
                    text.Append('\n').Append(' ', axis + 1);
                    column = axis + 1;
                }
                text.Append(word);
                column += word.Length + 2;
            }
        }
        text.Append(']');
    }

    // Whole numbers as such; else four decimals, with an exponent where they would hide digits.
    private static string[] Aligned(double[] numbers)
    {
        double[] sizes = [.. numbers.Where(double.IsFinite).Select(Math.Abs).Where(size => size > 0)];
        double most = sizes.DefaultIfEmpty(0).Max(), least = sizes.DefaultIfEmpty(0).Min();
        string format = most < 1e8 && sizes.All(double.IsInteger) ? "0"
            : most >= 1e8 || least < 1e-4 || most / least > 1000 ? "0.0000e+00"
            : "0.0000";
        string[] words = [.. numbers.Select(v => Word(v.ToString(format, CultureInfo.InvariantCulture)))];
        int width = words.Max(word => word.Length);
        return [.. words.Select(word => word.PadLeft(width))];
    }

    private static string Word(string number) => number switch
    {
        "NaN" => "nan",
        "Infinity" or "∞" => "inf",
        "-Infinity" or "-∞" => "-inf",
        _ => number,
    };
}
