using System.Text.Json.Serialization;
using InfMatch.Datasets;
using InfMatch.Influence;
using InfMatch.Nn;
using InfMatch.Tensors;

namespace InfMatch.Distill;

/// <summary>What 'influence' is asked: which training, which examples, which estimates. <see cref="FidelityOptions"/> fills
/// it and knows the defaults; what belongs to the other command stays empty.</summary>
internal sealed record FidelitySettings
{
    /// <summary>What an option of 'influence scores' says that follows from data and network.</summary>
    public const string Auto = "auto";

    // Enough for a ConvNet to learn photographs from, in two minutes on two cores.
    private const int MostExamples = 20_000, MostValidation = 5000, FewestSteps = 300, EpochsOfScores = 3;

    public string Model { get; init; } = "";

    public string Activation { get; init; } = "";

    public int Width { get; init; }

    public int Depth { get; init; }

    public int Examples { get; init; }

    public int Steps { get; init; }

    public int Batch { get; init; }

    public double Rate { get; init; }

    public double Momentum { get; init; }

    public double Decay { get; init; }

    public string NumberType { get; init; } = "";

    public string Second { get; init; } = "";

    public double DifferenceStep { get; init; }

    public int Checkpoints { get; init; }

    public double Damping { get; init; }

    public string[] Estimators { get; init; } = [];

    public string Measure { get; init; } = "";

    public int Validation { get; init; }

    public int Seeds { get; init; } = 1;

    public int[] Horizons { get; init; } = [];

    public int LeaveOut { get; init; }

    public double Share { get; init; }

    public double Twin { get; init; }

    public int Displacements { get; init; }

    public int Groups { get; init; }

    public int GroupSize { get; init; }

    public int Subsets { get; init; }

    public double SubsetShare { get; init; }

    public int TestPoints { get; init; }

    public int Candidates { get; init; }

    public int CandidateIpc { get; init; }

    public double FlipLabels { get; init; }

    public int Pictures { get; init; }

    /// <summary>Whether the rate is found by short trainings (<see cref="RateSearch"/>).</summary>
    [JsonIgnore]
    public bool SearchesRate => Rate == 0;

    /// <summary>The same with numbers for what was left to follow from the data set: examples, images of validation, steps,
    /// number type and how second derivatives are taken. The rate stays open.</summary>
    public FidelitySettings For(DatasetPair pair)
    {
        // Networks with many numbers an image are scored in half the time and memory, and no worse.
        bool deep = Model is "convnet" or "mlp";
        int examples = Examples == 0 ? Math.Min(MostExamples, pair.Train.Count) : Examples;
        return this with
        {
            Examples = examples,
            Validation = Validation == 0 ? Math.Min(MostValidation, pair.Test.Count) : Validation,
            Steps = Steps == 0 ? Math.Max(FewestSteps, EpochsOfScores * ((examples - 1) / Batch + 1)) : Steps,
            NumberType = NumberType != Auto ? NumberType : deep ? "float32" : "float64",
            Second = Second != Auto ? Second : deep ? "differences" : "exact",
        };
    }

    [JsonIgnore]
    public DType DType => NumberType == "float64" ? DType.Float64 : DType.Float32;

    /// <summary>How second derivatives are taken.</summary>
    [JsonIgnore]
    public SecondOrderProducts Field =>
        new(
            Second == "exact" ? SecondDerivatives.Exact : SecondDerivatives.FiniteDifference,
            DifferenceStep > 0 ? DifferenceStep : null);
}
