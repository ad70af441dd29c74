namespace InfMatch.Distill;

/// <summary>Networks that an evaluation still has to train.</summary>
/// <param name="OnSet">On the images of S.</param>
/// <param name="OnReal">On real images.</param>
/// <param name="OnSoftLabels">How many of all on soft labels of experts.</param>
internal readonly record struct NetworksLeft(int OnSet, int OnReal, int OnSoftLabels)
{
    /// <summary>How many there are.</summary>
    public int All => OnSet + OnReal;

    /// <summary>Those of some columns.</summary>
    /// <param name="columns">The columns.</param>
    /// <param name="left">How many networks of a column are left.</param>
    public static NetworksLeft Of(IReadOnlyCollection<ResultColumn> columns, Func<ResultColumn, int> left) => new(
        columns.Where(c => c.IsOfSet).Sum(left), columns.Where(c => !c.IsOfSet).Sum(left), columns.Where(c => c.HasTeacher).Sum(left));
}
