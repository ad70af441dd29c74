using InfMatch.Nn;
using InfMatch.Tensors;

namespace InfMatch.Distill;

/// <summary>A column of a result: what networks are trained on, or what they are. One type in one file, found by
/// enumeration; tables, files, pages and plans know no column but these.</summary>
internal abstract class ResultColumn : IKind
{
    /// <summary>Its key in files.</summary>
    public abstract string Name { get; }

    /// <summary>Its heading; networks.jsonl of an evaluation names it so.</summary>
    public abstract string Title { get; }

    /// <summary>Its place in a table, from the left.</summary>
    public abstract int Place { get; }

    /// <summary>The class of the style sheet that colours it.</summary>
    public abstract string Colour { get; }

    /// <summary>Whether files and tables leave it out where no row has it, as those of versions before it.</summary>
    public virtual bool IsOptional => true;

    /// <summary>Whether it differs from set to set; others are the same for all sets of as many images.</summary>
    public virtual bool IsOfSet => false;

    /// <summary>Whether experts label its images.</summary>
    public virtual bool HasTeacher => false;

    /// <summary>Whether networks are trained for it.</summary>
    public abstract bool IsTrained(ColumnCase of);

    /// <summary>The column whose networks are also its own, because both would be trained on the same set; null for none.</summary>
    public virtual ResultColumn? SameAs(ColumnCase of) => null;

    /// <summary>What the network of a number is trained on; it belongs to the current scope.</summary>
    public virtual LabelledImages TrainingSet(ColumnSources sources, int network) =>
        throw new InvalidOperationException($"No network is trained for the column '{Title}'.");

    /// <summary>All, in the order of a table.</summary>
    public static IReadOnlyList<ResultColumn> All { get; } =
        [.. Kinds.Of<ResultColumn>().OrderBy(column => column.Place).ThenBy(column => column.Name, StringComparer.Ordinal)];

    /// <summary>The column of a type.</summary>
    public static T Of<T>() where T : ResultColumn => All.OfType<T>().Single();

    /// <summary>Those that networks are trained for, in the order of training: those of S first.</summary>
    public static IReadOnlyList<ResultColumn> Trained(ColumnCase of) =>
        [.. All.Where(column => column.IsTrained(of)).OrderBy(column => !column.IsOfSet)];

    /// <summary>The same without those that are known already.</summary>
    public static IReadOnlyList<ResultColumn> Trained(ColumnCase of, AccuracySet known) =>
        [.. Trained(of).Where(column => known.Of(column) is null)];

    /// <summary>Those that a table of some rows shows.</summary>
    public static IReadOnlyList<ResultColumn> Shown(IEnumerable<AccuracySet> rows)
    {
        AccuracySet[] all = [.. rows];
        return [.. All.Where(column => !column.IsOptional || all.Any(row => row.Of(column) is not null))];
    }

    /// <summary>What its networks measure: itself, and the columns whose networks they also are.</summary>
    public IEnumerable<ResultColumn> Measured(ColumnCase of) =>
        [this, .. All.Where(column => column.SameAs(of) == this)];

    /// <summary>Below a table: which columns have the networks of another one, and why; null for none.</summary>
    public static string? NoteOfSame(IEnumerable<AccuracySet> rows)
    {
        (ResultColumn Column, string Same)[] same =
        [
            .. rows.SelectMany(row => All.Select(column => (column, row.Of(column)?.SameAs)))
                .Where(pair => pair.SameAs is not null).Select(pair => (pair.column, pair.SameAs!)).Distinct(),
        ];
        return same.Length == 0
            ? null
            : string.Join("; ", same.Select(pair =>
                $"'= ' under '{pair.Column.Title}': both would train on the same set, so these are the networks of " +
                $"'{All.FirstOrDefault(c => c.Name == pair.Same)?.Title ?? pair.Same}'"));
    }
}
