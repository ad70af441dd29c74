using InfMatch.Methods;

namespace InfMatch.Distill;

/// <summary>What the training sets of a row's columns are made from.</summary>
internal sealed class ColumnSources
{
    // What hard labels may leave to the other classes.
    private const double Rest = 1e-6;

    private readonly int[] _classes = [];

    /// <summary>Of random real images alone, or beside a set.</summary>
    /// <param name="ipc">Images per class.</param>
    /// <param name="real">The real images.</param>
    /// <param name="hasTeacher">Whether they can be labelled by experts.</param>
    public ColumnSources(int ipc, RealImages real, bool hasTeacher)
    {
        (Ipc, Real) = (ipc, real);
        Case = new ColumnCase(HasSet: false, hasTeacher, HasHardLabels: false);
    }

    /// <summary>The same beside a set.</summary>
    /// <param name="ipc">Images per class.</param>
    /// <param name="real">The real images.</param>
    /// <param name="hasTeacher">Whether they can be labelled by experts.</param>
    /// <param name="set">S.</param>
    /// <param name="classes">The class of each stored image of S; null where S lies class by class.</param>
    public ColumnSources(int ipc, RealImages real, bool hasTeacher, SyntheticSet set, IReadOnlyList<int>? classes = null)
        : this(ipc, real, hasTeacher)
    {
        Set = set;
        _classes = [.. classes ?? [.. Enumerable.Range(0, set.Count).Select(i => i / ipc)]];
        Case = Case with { HasSet = true, HasHardLabels = AreHard(set, _classes) };
    }

    /// <summary>Images per class.</summary>
    public int Ipc { get; }

    /// <summary>The real images.</summary>
    public RealImages Real { get; }

    /// <summary>S, or null.</summary>
    public SyntheticSet? Set { get; }

    /// <summary>The class of each stored image of S.</summary>
    public ReadOnlySpan<int> Classes => _classes;

    /// <summary>What decides which columns there are.</summary>
    public ColumnCase Case { get; }

    /// <summary>Whether the label of each image of S leaves nothing that counts to other classes than its own.</summary>
    public static bool AreHard(SyntheticSet set, ReadOnlySpan<int> classes)
    {
        float[] logits = set.LabelLogits.ToArray<float>();
        int each = set.LabelLogits.Shape[^1], labels = logits.Length / each, ofImage = labels / set.Count;
        for (int i = 0; i < labels; i++)
        {
            ReadOnlySpan<float> row = logits.AsSpan(i * each, each);
            double sum = 0;
            foreach (float logit in row)
                sum += Math.Exp(logit - (double)row[classes[i / ofImage]]);
            if (!(1 / sum >= 1 - Rest))
                return false;
        }
        return true;
    }
}
