using System.Globalization;
using InfMatch.Methods;

namespace InfMatch.Distill;

/// <summary>Budgets as people write them: 20min, 1200s, 2h, 2e6images.</summary>
internal static class BudgetText
{
    /// <summary>What a budget is, for errors and help.</summary>
    public const string Expected = "a time or a number of images, such as 20min, 1200s, 2h or 2e6images";

    private const double Least = 1e-3, Most = 1e15;

    private static readonly (string Unit, BudgetUnit Of, double Times)[] s_units =
    [
        ("images", BudgetUnit.Images, 1), ("min", BudgetUnit.Seconds, 60), ("s", BudgetUnit.Seconds, 1), ("h", BudgetUnit.Seconds, 3600),
    ];

    /// <summary>The budget of a text.</summary>
    /// <exception cref="DistillException">It is none.</exception>
    public static DistillationBudget Of(string text)
    {
        foreach ((string unit, BudgetUnit of, double times) in s_units)
        {
            if (text.EndsWith(unit, StringComparison.Ordinal)
                && double.TryParse(text.AsSpan(0, text.Length - unit.Length).TrimEnd(), NumberStyles.Float, CultureInfo.InvariantCulture, out double amount)
                && amount * times is >= Least and <= Most)
            {
                return new DistillationBudget(of, of == BudgetUnit.Images ? Math.Ceiling(amount) : amount * times);
            }
        }
        throw DistillException.BadValue("--budget", text, Expected);
    }

    /// <summary>The text of a budget: equal budgets have equal texts.</summary>
    public static string Of(DistillationBudget budget) =>
        budget.Amount.ToString("0.###", CultureInfo.InvariantCulture) + (budget.Unit == BudgetUnit.Images ? "images" : "s");

    /// <summary>As people read it: "20 min 00 s", "2000000 images".</summary>
    public static string Shown(DistillationBudget budget) => budget.Unit == BudgetUnit.Images
        ? string.Create(CultureInfo.InvariantCulture, $"{budget.Amount:0} images")
        : Durations.Text(TimeSpan.FromSeconds(budget.Amount));
}
