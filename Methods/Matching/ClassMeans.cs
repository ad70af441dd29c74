using InfMatch.Autograd;
using InfMatch.Nn;
using InfMatch.Tensors;

namespace InfMatch.Methods;

/// <summary>
/// Real and synthetic images of one class under one siamese draw of the augmentation, and what a loss of them asks of the images of
/// S: the part that all methods share which compare features class by class. S must stand class by class, equally many of each.
/// A draw of real images holds none twice. Everything belongs to the current scope, and labels have no part in it.
/// </summary>
/// <param name="run">The inputs of the run.</param>
/// <param name="realBatch">Real images of a class in a draw; 0 for all.</param>
/// <param name="realAtOnce">Real images that pass through the network together, which memory is saved by; 0 for all.</param>
public sealed class ClassMeans(MethodContext run, int realBatch, int realAtOnce = 0)
{
    /// <summary>The number of classes.</summary>
    public int Classes => run.Real.Classes;

    /// <summary>The loss of a class with its gradient in the rows of S of that class.</summary>
    /// <param name="s">S.</param>
    /// <param name="label">The class.</param>
    /// <param name="key">Of it the real images and the draw of the augmentation follow, by class.</param>
    /// <param name="mean">From images [N, C, H, W] to the mean [1, K] over them of what is compared.</param>
    /// <param name="distance">From the mean of real images, a constant, and that of synthetic ones to a scalar.</param>
    /// <param name="gradient">Whether the gradient is wanted.</param>
    /// <exception cref="ShapeException">S cannot be divided into classes.</exception>
    public ClassLoss Match(
        SyntheticSet s, int label, RandomKey key, Func<Variable, Variable> mean, Func<Variable, Variable, Variable> distance,
        bool gradient = true)
    {
        EachOf(s);
        Tensor real = MeanOfReal(label, key, mean);
        return OfSynthetic(s, label, key, images => distance(Variable.Constant(real), mean(images)), gradient);
    }

    /// <summary>A loss of the augmented tiles of a class of S, with its gradient in the rows of that class.</summary>
    /// <param name="s">S.</param>
    /// <param name="label">The class.</param>
    /// <param name="key">Of it the draw of the augmentation follows, by class.</param>
    /// <param name="loss">From images [N, C, H, W] to a scalar.</param>
    /// <param name="gradient">Whether the gradient is wanted.</param>
    /// <exception cref="ShapeException">S cannot be divided into classes.</exception>
    public ClassLoss OfSynthetic(SyntheticSet s, int label, RandomKey key, Func<Variable, Variable> loss, bool gradient = true)
    {
        int each = EachOf(s);
        using IDisposable? off = gradient ? null : Recording.Off();
        Tensor rows = s.Rows(label * each, each).Images;
        Variable images = gradient ? Variable.Leaf(rows) : Variable.Constant(rows);
        Variable value = loss(run.Augmentation.Apply(images.EnlargeTiles(s.Factor), DrawOf(label, key), siamese: true));
        return new ClassLoss(label, value.Value.ToScalar(), gradient ? Gradient.Of(value, images).Value : null);
    }

    /// <summary>The form of the draw of a class, by which draws differ in memory.</summary>
    public string FormOf(int label, RandomKey key) => run.Augmentation.FormOf(DrawOf(label, key), siamese: true).ToString();

    // Each class has a draw of its own, which its real and its synthetic images share.
    private static RandomKey DrawOf(int label, RandomKey key) => key.Split("augmentation").Split((ulong)label);

    private int EachOf(SyntheticSet s)
    {
        int each = s.Count / Classes;
        return each * Classes == s.Count
            ? each
            : throw new ShapeException($"A set of {s.Count} images has not equally many of each of {Classes} classes.");
    }

    private Tensor MeanOfReal(int label, RandomKey key, Func<Variable, Variable> mean)
    {
        using var scope = TensorScope.Begin();
        using IDisposable off = Recording.Off();
        int most = realBatch > 0 ? realBatch : int.MaxValue;
        int[] drawn = run.Real.RandomOfClass(label, most, key.Split("real").Split((ulong)label));
        if (realAtOnce == 0 || drawn.Length <= realAtOnce)
            return scope.Keep(Of(drawn));
        Tensor? sum = null;
        foreach (int[] part in drawn.Chunk(realAtOnce))
        {
            using var inner = TensorScope.Begin();
            double share = (double)part.Length / drawn.Length;
            Tensor one = Of(part);
            Tensor next = sum is null ? one.Times(share) : TensorAlgebra.Axpy(share, one, sum);
            sum = sum is null ? inner.Keep(next) : inner.Replace(sum, next);
        }
        return scope.Keep(sum!);

        Tensor Of(int[] rows)
        {
            var images = Variable.Constant(run.Real.Train.Rows(rows).Images);
            return mean(run.Augmentation.Apply(images, DrawOf(label, key), siamese: true)).Value;
        }
    }
}

/// <summary>The loss of a class of S.</summary>
/// <param name="Label">The class.</param>
/// <param name="Value">The loss.</param>
/// <param name="Gradient">Its gradient in the images of the class; null where none was wanted.</param>
public readonly record struct ClassLoss(int Label, double Value, Tensor? Gradient)
{
    /// <summary>Writes the gradient into the rows of its class.</summary>
    /// <param name="into">The gradient of all of S.</param>
    /// <exception cref="InvalidOperationException">There is no gradient.</exception>
    public void WriteTo(SyntheticGradient into)
    {
        Tensor own = Gradient ?? throw new InvalidOperationException($"The loss of class {Label} was computed without its gradient.");
        own.Backend.Copy(own, into.Images.View(Label * own.Count, own.Shape));
    }

    /// <summary>The sum of this and c times another loss of the same class.</summary>
    public ClassLoss Plus(double c, ClassLoss other) => new(
        Label, Value + c * other.Value,
        Gradient is { } own && other.Gradient is { } its ? TensorAlgebra.Axpy(c, its, own) : null);
}
