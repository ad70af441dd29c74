using InfMatch.Nn;
using InfMatch.Tensors;

namespace InfMatch.Distill;

/// <summary>A part of the networks of an evaluation: each that it trains is a file that all processes see, and a run of the whole
/// evaluation finds.</summary>
/// <param name="evaluation">What is evaluated.</param>
/// <param name="part">Which part.</param>
/// <param name="context">Where it runs.</param>
internal sealed class EvaluationPart(OpenedEvaluation evaluation, Part part, RunContext context)
{
    private readonly List<string> _files = [];

    /// <summary>How many networks the whole evaluation has.</summary>
    public int Networks => _files.Count;

    /// <summary>How many of them are there now, whoever evaluated them.</summary>
    public int Evaluated => _files.Count(File.Exists);

    /// <summary>Evaluates those of the part that are not there.</summary>
    /// <exception cref="OperationCanceledException">It was interrupted; what is known is on disk.</exception>
    /// <exception cref="NumericalException">A loss stops being finite; what is known is on disk.</exception>
    public void Execute()
    {
        RunSettings settings = evaluation.Settings;
        EvaluatedFolder shared = evaluation.Shared(context.Backend, context.Progress.Note, isMade: true)!;
        RealImages real = evaluation.Real();
        var share = new JobShare(part);
        for (int n = 0; n < evaluation.Networks.Length; n++)
        {
            Network network = evaluation.Networks[n];
            var evaluator = new SetEvaluator(
                network, settings, evaluation.Data, RandomKey.FromSeed(settings.Seed).Split("judge"), context.Cancel) { Share = share };
            foreach (int ipc in settings.Ipc)
            {
                ColumnSources sources = evaluation.Sources(ipc, real);
                EvaluatedSet[] sets =
                [
                    .. evaluation.Trained(ipc).Select(c => evaluation.SetOf(network, evaluation.ModelOf(n), c, sources, shared)),
                ];
                _files.AddRange(sets.SelectMany(s => Enumerable.Range(0, settings.Repeats).Select(s.Files!.FileOf)));
                evaluator.Evaluate(sets, settings.Repeats, context.Progress);
            }
        }
    }
}
