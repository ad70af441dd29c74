using InfMatch.Autograd;
using InfMatch.Tensors;

namespace InfMatch.Nn;

/// <summary>
/// The loss of batches of one size and its gradient in θ: recorded and walked back once, for the first batch, and
/// replayed for all others (<see cref="CapturedGraph"/>), so that a step of training leaves nothing to the collector.
/// </summary>
internal sealed class CapturedBatch : IDisposable
{
    private readonly Network _network;
    private readonly Tensor _theta;
    private readonly CapturedBatch? _sharing;
    private readonly List<Stage> _stages = [];
    private CapturedGraph? _graph;

    /// <summary>Room for a number of images of the data, where θ lives.</summary>
    /// <param name="network">What is trained.</param>
    /// <param name="theta">θ [p], of any value.</param>
    /// <param name="data">What batches are made of.</param>
    /// <param name="count">Images of a batch.</param>
    /// <param name="sharing">A batch of another size that is never computed at the same time, for the same memory; it
    /// ends together with this one.</param>
    public CapturedBatch(Network network, Tensor theta, LabelledImages data, int count, CapturedBatch? sharing)
    {
        _network = network;
        _sharing = sharing;
        Count = count;
        using IDisposable detached = TensorScope.BeginDetached();
        using var scope = TensorScope.Begin();
        _theta = sharing?._theta ?? theta.Backend.Empty(theta.Shape, theta.DType);
        Images = theta.Backend.Empty(Rows(data.Images.Shape), data.Images.DType);
        Labels = theta.Backend.Empty(Rows(data.Labels.Shape), data.Labels.DType);
        foreach (Tensor input in (Tensor[])[_theta, Images, Labels])
            scope.Keep(input);

        Shape Rows(Shape all) => new([count, .. all.Sizes[1..]]);
    }

    /// <summary>Images of a batch.</summary>
    public int Count { get; }

    /// <summary>The images [N, C, H, W] of the batch, to be written before each step.</summary>
    public Tensor Images { get; }

    /// <summary>Their labels [N, M], to be written, too.</summary>
    public Tensor Labels { get; }

    /// <summary>The loss, a scalar, and its gradient [p] at θ; valid until the next call.</summary>
    public (Tensor Loss, Tensor Gradient) LossAndGradient(Tensor theta)
    {
        theta.Backend.Copy(theta, _theta);
        if (_graph is null)
            _graph = CapturedGraph.Of(theta.Backend, Compute, AnyGraph());
        else
            _graph.Replay();
        return (_graph.Results[0], _graph.Results[1]);
    }

    /// <summary>Augments the images where they are, with random numbers of the key; each form of augmentation is
    /// captured when it is first drawn.</summary>
    /// <exception cref="InvalidOperationException">As <see cref="Augmentation.Apply"/>.</exception>
    public void Augment(Augmentation augmentation, RandomKey key)
    {
        if (augmentation.IsDc)
        {
            // Which rows it gathers is drawn anew: nothing could be replayed.
            using var scope = TensorScope.Begin();
            Images.Backend.Copy(augmentation.Apply(Variable.Constant(Images), key, siamese: false).Value, Images);
            return;
        }
        for (int turn = 0; turn < augmentation.Turns; turn++)
        {
            if (augmentation.Draw(turn, key, siamese: false) is not { } draw)
                continue;
            Stage stage = StageOf(draw.Form);
            draw.Write(Images.Shape, stage.Numbers);
            if (stage.Graph is null)
                stage.Graph = CapturedGraph.Of(Images.Backend, () => InPlace(stage), AnyGraph());
            else
                stage.Graph.Replay();
        }
    }

    private sealed class Stage(AugmentationOps form, Tensor[] numbers)
    {
        public AugmentationOps Form { get; } = form;

        public Tensor[] Numbers { get; } = numbers;

        public CapturedGraph? Graph { get; set; }
    }

    private Stage StageOf(AugmentationOps form)
    {
        foreach (Stage known in _stages)
        {
            if (known.Form == form)
                return known;
        }
        using IDisposable detached = TensorScope.BeginDetached();
        using var scope = TensorScope.Begin();
        Tensor[] numbers = AugmentationDraw.Numbers(form, Images);
        foreach (Tensor number in numbers)
            scope.Keep(number);
        var stage = new Stage(form, numbers);
        _stages.Add(stage);
        return stage;
    }

    private Tensor[] InPlace(Stage stage)
    {
        Tensor augmented = AugmentationDraw.Compute(stage.Form, Variable.Constant(Images), stage.Numbers).Value;
        Images.Backend.Copy(augmented, Images);
        return [];
    }

    // No two of them run at once: the first gives its memory to all.
    private CapturedGraph? AnyGraph() =>
        _graph ?? _stages.Select(s => s.Graph).FirstOrDefault(g => g is not null) ?? _sharing?.AnyGraph();

    private Tensor[] Compute()
    {
        (Tensor loss, Tensor gradient) =
            _network.LossAndGradient(_theta, Variable.Constant(Images), Variable.Constant(Labels));
        return [loss, gradient];
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _graph?.Dispose();
        foreach (Stage stage in _stages)
        {
            stage.Graph?.Dispose();
            foreach (Tensor number in stage.Numbers)
                number.Dispose();
        }
        _theta.Dispose();
        Images.Dispose();
        Labels.Dispose();
    }
}
