using System.Globalization;
using InfMatch.Autograd;
using InfMatch.Influence;
using InfMatch.Nn;
using InfMatch.Tensors;
using InfMatch.Tensors.IO;

namespace InfMatch.Methods;

/// <summary>
/// Matching of gradients: on a network that starts fresh and is trained on S between updates, the gradient of each class of S is
/// turned into the direction of that of real images, loss = Σ_c D(∇L(θ; A(real_c)), ∇L(θ; A(S_c))) with D of
/// <see cref="RowCosines"/> and one draw of A for both. dD/dS of a class is the mixed product of S with dD/dh. A published
/// iteration has a number of outer steps, each an update of S. Source: DC (ICLR 2021), algorithm 1; DSA (ICML 2021), equation 7.
/// </summary>
internal sealed class GradientMatching : MethodSession
{
    // Where DC's code sets them: images a class, outer steps, epochs between them.
    private static readonly (int Ipc, int Outer, int Inner)[] s_published =
        [(1, 1, 1), (10, 10, 50), (20, 20, 25), (30, 30, 20), (40, 40, 15), (50, 50, 10)];

    // Rows of short gradients rule dD/dh, along which a difference in float32 mostly counts units that pass the kink of their ReLU: it
    // lay at cosines of 0.15 to 0.27 to the exact product and was 4 to 5 times as long (width 32 and 128, 1 and 10 images of noise).
    private static readonly SecondOrderProducts s_products = new(SecondDerivatives.Exact);

    private readonly MethodContext _run;
    private readonly RowCosines _cosines;
    private readonly TrainingOnSet _training;
    private readonly int _batch, _outer, _inner;
    private readonly HeldNetwork _network; // as after the last update, not yet trained on what that made of S

    public GradientMatching(MethodContext run)
    {
        (_run, _cosines, _network) = (run, new RowCosines(run.Network.Layout), new HeldNetwork(run));
        _training = new TrainingOnSet(run.Network, run.Augmentation, NetworkRate.Of(run.Values));
        _batch = RealBatch.Of(run.Values) is > 0 and var asked ? asked : int.MaxValue;
        (_outer, _inner) = (OuterSteps.Of(run.Values), InnerEpochs.Of(run.Values));
    }

    /// <summary>How many real images of a class an update sees.</summary>
    public static WholeSetting RealBatch { get; } = new(
        "RealBatch", "Real images of each class that an update draws; 0 for all.", 256, 0, 1 << 20);

    /// <summary>Updates of S on one network.</summary>
    public static WholeSetting OuterSteps { get; } = new(
        "OuterSteps", "Updates on a network before a fresh one; 0 for the published number for the images per class.", 0, 0, 1 << 20);

    /// <summary>How long the network is trained on S in between.</summary>
    public static WholeSetting InnerEpochs { get; } = new(
        "InnerEpochs", "Epochs on the synthetic set between them; 0 for the published number for the images per class.", 0, 0, 1 << 20);

    /// <summary>The rate of that training.</summary>
    public static RealSetting NetworkRate { get; } = new("NetworkRate", "Rate of each step of that training.", 0.01);

    /// <summary>All of them.</summary>
    public static IReadOnlyList<MethodSetting> Settings { get; } = [RealBatch, OuterSteps, InnerEpochs, NetworkRate];

    /// <summary>The published settings for so many images per class, but for where S starts and how it is augmented.</summary>
    public static IReadOnlyList<(string Property, string Text)> Published(int ipc)
    {
        int iterations = 1000 * LoopsOf(ipc).Outer;
        return
        [
            ("Iterations", iterations.ToString(CultureInfo.InvariantCulture)), ("LrImg", "0.1"), ("MomentumImg", "0.5"),
            ("RateSchedule", "constant"), ("Labels", "hard"), ("Width", "128"), ("Depth", "3"), ("Protocol", "DC"),
            ("EvalWidth", "128"),
        ];
    }

    /// <summary>Outer steps and epochs between them, for the published number of images per class that is nearest; of two that
    /// are equally near the larger.</summary>
    public static (int Outer, int Inner) LoopsOf(int ipc)
    {
        (_, int outer, int inner) = s_published.OrderBy(p => Math.Abs(p.Ipc - ipc)).ThenByDescending(p => p.Ipc).First();
        return (outer, inner);
    }

    public override void BeginSet() => _network.Hold(null, 0);

    public override MethodStep Evaluate(SyntheticSet s, int iteration, RandomKey key)
    {
        int classes = _run.Real.Classes, each = s.Count / classes;
        if (each * classes != s.Count)
            throw new ShapeException($"A set of {s.Count} images has not equally many of each of {classes} classes.");
        (int outer, int inner) = LoopsOf(each);
        (outer, inner) = (_outer > 0 ? _outer : outer, _inner > 0 ? _inner : inner);
        (Tensor theta, bool isFresh) = _network.At(iteration, s.Images, key);
        if (!isFresh && iteration % outer > 0)
            theta = _training.Run(theta, s, inner, key.Split("training"));
        SyntheticGradient gradient = SyntheticGradient.ZerosLike(s);
        Tensor distances = theta.Backend.Empty(new Shape(classes), theta.DType);
        for (int c = 0; c < classes; c++)
        {
            using var scope = TensorScope.Begin();
            SyntheticSet rows = s.Rows(c * each, each);
            (Tensor distance, SyntheticGradient own) = OfClass(theta, rows, c, key);
            theta.Backend.Copy(distance, distances.View(c, Shape.Scalar));
            for (int i = 0; i < own.Parts.Length; i++)
            {
                Tensor part = own.Parts[i].Value;
                theta.Backend.Copy(part, gradient.Parts[i].Value.View(c * part.Count, part.Shape));
            }
        }
        double loss = distances.ToArray<double>().Sum();
        bool isLast = (iteration + 1) % outer == 0;
        return new MethodStep(loss, double.IsFinite(loss) ? gradient : null, [])
        {
            Commit = outer == 1 ? null : scope => _network.Hold(isLast ? null : scope.Keep(theta), iteration + 1),
            Place = "the distance of gradients by rows",
        };
    }

    public override IReadOnlyList<NamedArray> Save() => _outer == 1 ? [] : [.. _network.Save()];

    public override void Restore(ArraySet state)
    {
        if (_outer != 1)
            _network.Restore(state);
    }

    // The draws of all classes; later updates also train the network, with draws of their own.
    public override IReadOnlySet<string> TraitsOf(int iteration, RandomKey key)
    {
        HashSet<string> traits = [.. Enumerable.Range(0, _run.Real.Classes)
            .Select(c => _run.Augmentation.FormOf(DrawOf(c, key), siamese: true).ToString())];
        if (iteration > 0 && _outer != 1)
        {
            int steps = _inner > 0 ? _inner : s_published.Min(p => p.Inner);
            traits.UnionWith(_training.FormsOf(steps, key.Split("training")).Select(form => $"training under {form}"));
        }
        return traits;
    }

    public override int VectorsKept(IReadOnlyList<(int Iteration, RandomKey Key)> updates) => _outer == 1 ? 0 : 1;

    protected override void Dispose(bool disposing)
    {
        _network.Dispose();
        base.Dispose(disposing);
    }

    private (Tensor Distance, SyntheticGradient Gradient) OfClass(Tensor theta, SyntheticSet s, int label, RandomKey key)
    {
        RandomKey draw = DrawOf(label, key);
        SyntheticLoss loss = _run.LossOf(s, draw, siamese: true);
        Tensor real = RealGradient(theta, label, key);
        Tensor own = Differential.GradientAt(loss.Of(s), theta);
        (Tensor distance, Tensor cotangent) = _cosines.At(real, own);
        return (distance, s_products.Mixed(theta, loss, s, cotangent));
    }

    private Tensor RealGradient(Tensor theta, int label, RandomKey key)
    {
        using var scope = TensorScope.Begin();
        LabelledImages real = _run.Real.Train.Rows(_run.Real.RandomOfClass(label, _batch, key.Split("real").Split((ulong)label)));
        Variable images = _run.Augmentation.Apply(Variable.Constant(real.Images), DrawOf(label, key), siamese: true);
        return scope.Keep(Differential.GradientAt(
            at => _run.Network.Loss(at, images, Variable.Constant(real.Labels)), theta));
    }

    // Each class has a draw of its own, which its real and its synthetic images share.
    private static RandomKey DrawOf(int label, RandomKey key) => key.Split("augmentation").Split((ulong)label);
}
