namespace InfMatch.Nn;

/// <summary>A numbered share of jobs: that of part <paramref name="Index"/> of <paramref name="Count"/> parts, whose numbers leave
/// this remainder.</summary>
/// <param name="Index">Which part, from 0.</param>
/// <param name="Count">How many parts there are.</param>
public readonly record struct Part(int Index, int Count)
{
    /// <summary>The part that a text such as "3/10" names; null where it names none.</summary>
    public static Part? Parse(string text)
    {
        string[] numbers = text.Split('/');
        return numbers.Length == 2 && TryRead(numbers[0], out int index) && TryRead(numbers[1], out int count) && index < count
            ? new Part(index, count)
            : null;

        static bool TryRead(string digits, out int number) => int.TryParse(
            digits, System.Globalization.NumberStyles.None, System.Globalization.CultureInfo.InvariantCulture, out number);
    }

    /// <summary>Whether the job of this number, from 0, is its own.</summary>
    public bool Has(long number) => number % Count == Index;

    /// <summary>The text that <see cref="Parse"/> reads.</summary>
    public override string ToString() => $"{Index}/{Count}";
}
