using System.Collections.Immutable;
using System.CommandLine;
using InfMatch.Autograd;
using InfMatch.Datasets;
using InfMatch.Distill;
using InfMatch.Methods;
using InfMatch.Nn;
using InfMatch.Onnx;
using InfMatch.Tensors;
using InfMatch.Tensors.IO;

namespace InfMatch.Tests.Toys;

// One of each kind of thing, as a user would write it in an assembly of their own: nothing else in the repository names them.

/// <summary>A method: images are pulled to the mean of the real images of their class.</summary>
public sealed class ToyMethod : DistillationMethod
{
    private static readonly RealSetting s_pull = new("ToyPull", "How hard the toy pulls.", 1);

    public override string Name => "toy-method";

    public override string Help => "pulls images to the mean of their class";

    public override IReadOnlyList<MethodSetting> Settings { get; } = [s_pull];

    public override IReadOnlyList<(string Property, string Text)> Published(PublishedCase at) =>
        [("ToyPull", at.Ipc < 50 ? "3" : "5"), ("Iterations", "7")];

    public override IReadOnlyList<string> Metrics { get; } = ["evaluations"];

    public override MethodSession Begin(MethodContext context) => new Session(context, s_pull.Of(context.Values));

    private sealed class Session(MethodContext context, double pull) : MethodSession
    {
        private int _evaluations;

        public override void BeginSet() => _evaluations = 0;

        public override MethodStep Evaluate(SyntheticSet s, int iteration, RandomKey key)
        {
            int evaluations = _evaluations + 1;
            int[] chosen = context.Real.RandomOfEachClass(s.Count / context.Real.Classes, key);
            Tensor residual = s.Images.Minus(context.Real.Train.Rows(chosen).Images);
            SyntheticGradient gradient = SyntheticGradient.Of(
                s, [residual.Times(pull / s.Count), s.LabelLogits.ZerosLike()]);
            return new MethodStep(pull * residual.Dot(residual) / (2 * s.Count), gradient, [new("evaluations", evaluations)])
            {
                Commit = _ => _evaluations = evaluations,
            };
        }

        public override IReadOnlyList<NamedArray> Save() => [NamedArray.From("evaluations", [1], (int[])[_evaluations])];

        public override void Restore(ArraySet state) => _evaluations = state["evaluations"].AsInt32()[0];
    }
}

/// <summary>A network: one linear layer.</summary>
public sealed class ToyArchitecture : InfMatch.Nn.Architecture
{
    public override string Name => "toy-network";

    public override Network Create(Shape image, int classes, NetworkOptions options) => new ToyNetwork(image, classes);

    private sealed class ToyNetwork : Network
    {
        public ToyNetwork(Shape image, int classes) : base(image, classes) =>
            Layout.AddWeightAndBias("linear", new Shape(classes, image.Count), image.Count);

        public override string Name => "toy-network";

        protected override NetworkFeatures Embed(Variable[] parameters, Variable images) => new(images.Flatten(), []);
    }
}

/// <summary>A data set: two classes of 6×6 images, bright to the left or to the right.</summary>
public sealed class ToyDataset : Dataset
{
    private const int Side = 6;

    public override string Name => "toy-data";

    public override string Description => "bright to the left or to the right";

    public override bool IsBuiltIn => true;

    public override ImmutableArray<string> ClassNames => ["left", "right"];

    public override Standardisation? Standardisation { get; } = new([0.5f], [0.25f]);

    public override string Files => "nothing";

    public override bool IsIn(string folder) => false;

    public override DatasetPair Load(string? folder, LoadOptions options) => new(Name, Half(40, 1), Half(20, 2));

    private ImageDataset Half(int count, ulong seed)
    {
        RandomKey key = RandomKey.FromSeed(seed);
        var pixels = new byte[count * Side * Side];
        for (int i = 0; i < pixels.Length; i++)
            pixels[i] = (byte)((i % Side < Side / 2 == (i / (Side * Side) % 2 == 0) ? 120 : 20) + key.Below(90, i));
        return new ImageDataset(
            Traits, new Shape(1, Side, Side), [.. pixels], [.. Enumerable.Range(0, count).Select(i => (byte)(i % 2))]);
    }
}

/// <summary>An operator of models of ONNX: twice its input.</summary>
public sealed class ToyOperator : OnnxOperator
{
    public override string Name => "toy.Twice";

    public override OnnxValue[] Run(OnnxUse use) => [OnnxValue.Of(2 * use.Numbers(0))];
}

/// <summary>A set of image-text pairs: numbers and their names.</summary>
public sealed class ToyPairs : PairSet
{
    public override string Name => "toy-pairs";

    public override string Description => "numbers and their names";

    public override bool IsBuiltIn => true;

    public override string Files => "nothing";

    public override bool IsIn(string folder) => false;

    public override PairSplits Load(string? folder, LoadOptions options) => new(Name, One("one", 1), One("two", 2), One("three", 3));

    private static PairDataset One(string word, float number) => new(
        word, [word], [new Caption(0, word)], new FeatureTable(1, [number]), new FeatureTable(1, [-number]));
}

/// <summary>A protocol: three epochs of plain SGD.</summary>
internal sealed class ToyProtocol : Protocol
{
    public override string Name => "toy-protocol";

    public override string Help => "as toys do";

    public override IReadOnlyList<(string Property, Func<EvaluationValues, string> Text)> Values { get; } =
        [("Epochs", _ => "3"), ("Repeats", _ => "2"), ("EvalRate", _ => "0.05"), ("Augment", _ => "toy-augmentation")];

    public override TrainingPlan Plan(EvaluationValues values, Augmentation augmentation) =>
        new(values.Epochs, 8, values.Rate, 0, 0, RateSchedule.Constant) { Augmentation = augmentation };

    public override string DescribeSteps(TrainingPlan plan) => "toy steps, ";
}

/// <summary>A column of a result: the images of the set with labels that say nothing.</summary>
internal sealed class ToyColumn : ResultColumn
{
    public override string Name => "toyColumn";

    public override string Title => "distilled, toy labels";

    public override int Place => 35;

    public override string Colour => "toy";

    public override bool IsOfSet => true;

    public override bool IsTrained(ColumnCase of) => of.HasSet;

    public override LabelledImages TrainingSet(ColumnSources sources, int network)
    {
        LabelledImages set = sources.Set!.AsTrainingSet();
        return new LabelledImages(set.Images, set.Labels.ZerosLike());
    }
}

/// <summary>A norm: none that learns anything.</summary>
public sealed class ToyNorm : Normalisation
{
    public override string Name => "toy-norm";

    public override Shape? ScaleOf(int channels, int height, int width) => null;

    public override Variable Apply(Variable x, ReadOnlySpan<Variable> scaleAndShift) => x.Sin();
}

/// <summary>A pooling: the mean of windows of 3×3.</summary>
public sealed class ToyPooling : Pooling
{
    public override string Name => "toy-pooling";

    public override int Window => 3;

    public override Variable Apply(Variable x) => x.AvgPool2d(Window);
}

/// <summary>An augmentation: a crop.</summary>
public sealed class ToyAugmentation : NamedAugmentation
{
    public override string Name => "toy-augmentation";

    public override Augmentation For(bool digits) => new(AugmentationOps.Crop);
}

/// <summary>A preset: everything that is a toy.</summary>
internal sealed class ToyPreset : Preset
{
    public override string Name => "toy-preset";

    public override string? Base => "first-order";

    public override IReadOnlyList<(string Property, string Text)> Values { get; } =
    [
        ("Dataset", "toy-data"), ("Ipc", "1"), ("Method", "toy-method"), ("ToyPull", "2"), ("Iterations", "6"), ("SaveEvery", "2"),
        ("LrImg", "1"), ("LrLabel", "0"), ("Optimiser", "toy-optimiser"), ("RateSchedule", "toy-schedule"), ("Model", "toy-network"),
        ("Experts", "1"), ("ExpertEpochs", "1"), ("ExpertBatch", "8"), ("Checkpoints", "2"),
        ("Epochs", "4"), ("Repeats", "1"),
    ];
}

/// <summary>A command.</summary>
internal sealed class ToyCommand : CommandDefinition
{
    public override string Name => "datasets toy-command";

    public override IReadOnlyList<string> HiddenNames => ["datasets older-toy"];

    public override string Help => "Says that it is a toy.";

    public override Action<CommandContext>? Build(Command command) => at => at.Terminal.Say("It is a toy.");
}

/// <summary>An estimator of influence: half of the first order.</summary>
public sealed class ToyEstimator : InfluenceEstimator
{
    private static readonly FirstOrderEstimator s_whole = new();

    public override string Name => "toy-estimator";

    public override Tensor Real(OpenWindow window) => s_whole.Real(window).Times(0.5);

    public override Tensor Of(OpenWindow window, ParameterLoss lossOfZ) => s_whole.Of(window, lossOfZ).Times(0.5);

    public override Displacement Synthetic(OpenWindow window, SyntheticSet s, SyntheticLoss loss)
    {
        Displacement whole = s_whole.Synthetic(window, s, loss);
        return new Displacement(whole.Value.Times(0.5), u => whole.Pullback(u.Times(0.5)));
    }
}

/// <summary>An optimiser of S: plain steps.</summary>
public sealed class ToyOptimiser : SetOptimiser
{
    public override string Name => "toy-optimiser";

    public override IReadOnlyList<string> State => [];

    public override (Tensor Value, Tensor[] State) Step(
        Tensor value, IReadOnlyList<Tensor> state, Tensor gradient, SetStep step) =>
        (TensorAlgebra.Axpy(-step.Rate, gradient, value), []);
}

/// <summary>A step of training: half of a plain one.</summary>
public sealed class ToyStepRule : StepRule
{
    public override string Name => "toy-step";

    public override bool ReadsGradient(StepRates rates, bool rateIsLearned) => rateIsLearned;

    public override WalkState Next(WalkState at, Tensor gradient, StepRates rates) =>
        new(TensorAlgebra.Axpy(-rates.Rate / 2, gradient, at.Theta), [], at.Step + 1);

    public override StepPullback Pullback(WalkStep step, WalkCotangent after) => new(
        after.Theta, -step.Rates.Rate / 2, after, step.Gradient is { } gradient ? (-0.5, after.Theta, gradient) : null);
}

/// <summary>A schedule of S's rates: one over the number of the update.</summary>
public sealed class ToySchedule : SetSchedule
{
    public override string Name => "toy-schedule";

    public override double FactorAt(int iteration, int iterations, IReadOnlyList<double> memory) => 1.0 / (iteration + 1);
}

/// <summary>A schedule of the experts' rates: one over the number of the step.</summary>
public sealed class ToyRate : RateSchedule
{
    public override string Name => "toy-rate";

    public override string Help => "one over the number of the step";

    public override double At(double rate, int step, int steps) => rate / (step + 1);
}

/// <summary>A device: the reference under another name.</summary>
public sealed class ToyDevice : DeviceKind
{
    public override string Name => "toy-device";

    public override OpenedDevice Open(string asked, DeviceOptions options) => new(new ReferenceBackend(), "It is a toy.");
}

/// <summary>A section of the page about a run.</summary>
internal sealed class ToySection : ReportSection
{
    public override string Name => "toy-section";

    public override string Title => "Toys";

    public override int Place => 99;

    public override IEnumerable<System.Xml.Linq.XElement> Content(ReportSource source) => [Html.Paragraph("It is a toy.")];
}

/// <summary>A form of a distilled set: its classes in a text.</summary>
internal sealed class ToyForm : SetForm
{
    public override string Name => "toy-form";

    public override string Help => "the names of the classes";

    public override IReadOnlyList<string> Write(SetContent set, ExportFolder folder)
    {
        folder.Write("toy.txt", string.Join(' ', set.Classes));
        return [];
    }

    public override IEnumerable<string> Files(SetContent set) => ["- `toy.txt`: the names of the classes"];
}

/// <summary>An operation that ONNX has and the library does not translate.</summary>
public sealed class ToyTranslation : OnnxOperation<Sin>
{
    protected override string Translate(OnnxApplication at, Sin op) => at.Add("Sin");
}

/// <summary>A head of pairs: a linear layer through a sine.</summary>
public sealed class ToyHead : ProjectionHead
{
    public override string Name => "toy-head";

    public override void AddTo(ParameterLayout layout, string name, int features, int size) =>
        layout.AddWeightAndBias($"{name}.toy", new Shape(size, features), features);

    public override Variable Project(ReadOnlySpan<Variable> parameters, Variable features) =>
        features.Linear(parameters[0], parameters[1]).Sin();
}

/// <summary>A loss of pairs: minus the mean score of true pairs.</summary>
public sealed class ToyPairLoss : PairLoss
{
    public override string Name => "toy-pair-loss";

    public override bool UsesSimilarity => false;

    protected override Variable Of(PairScores scores, Variable? similarity) => -PairLabels.DiagonalOf(scores.OfImages).Mean();
}

/// <summary>A choice of real pairs: the first ones.</summary>
public sealed class ToySelection : PairSelection
{
    public override string Name => "toy-selection";

    public override string Help => "the first pairs";

    protected override int[] Chosen(SelectionContext context, int count) => [.. Enumerable.Range(0, count)];
}
