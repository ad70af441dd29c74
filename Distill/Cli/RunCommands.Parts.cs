using System.Text.Json.Nodes;
using InfMatch.Datasets;
using InfMatch.Nn;
using InfMatch.Tensors;

namespace InfMatch.Distill;

// Parts of jobs that several processes do together.
internal sealed partial class RunCommands
{
    // Results of parts lie beside the runs, so that a run folder would have nothing in it.
    private void RefuseName(Part part)
    {
        if (Choice.Name is { } name)
            throw DistillException.BadValue(RunChoice.NameOption, name, $"nothing beside {RunChoice.PartOption} {part}, which makes no run folder");
    }

    private void TrainPart(RunSettings settings, Part part, Backend backend, DatasetPair pair)
    {
        string folder = settings.ExpertsFrom!;
        using PreparedData data = PrepareTraining(settings, pair, backend, folder, folder).Data;
        using (IProgressView progress = terminal.MakeProgress())
        {
            ExpertLibrary.RecordPart(
                settings, data.NetworkOf(settings, settings.Width), data, folder, part, new RunContext(backend, progress, cancel));
        }
        Tell(terminal, Choice, "experts", (settings.Experts - ExpertLibrary.Missing(settings, folder).Length, settings.Experts), folder);
    }

    private void EvaluatePart(OpenedEvaluation evaluation, Part part, Backend backend)
    {
        EvaluationPart run;
        using (IProgressView progress = terminal.MakeProgress())
        {
            run = new EvaluationPart(evaluation, part, new RunContext(backend, progress, cancel));
            run.Execute();
        }
        Tell(terminal, Choice, "networks", (run.Evaluated, run.Networks), EvaluatedFolder.PathIn(evaluation.Settings.Out));
    }

    /// <summary>What the end of a part says: how many results are there, and what gathers them.</summary>
    internal static void Tell(Terminal terminal, RunChoice choice, string what, (int There, int Of) results, string folder)
    {
        string share = choice.Part is { } part ? $"Part {part} is done" : "Done";
        terminal.Show($"{share}: {results.There} of {results.Of} {what} are in {ShownPath.Of(folder)}.");
        terminal.ShowUnbroken($"Gather:  {choice.Gather}");
        if (results.There < results.Of)
            terminal.Show("         It also makes what is missing. Other parts may be at work: then it shares that with them.");
        if (!terminal.IsJson)
            return;
        terminal.Data.WriteLine(new JsonObject
        {
            ["part"] = choice.Part?.ToString(), ["results"] = what, ["there"] = results.There, ["of"] = results.Of, ["folder"] = folder,
            ["gather"] = choice.Gather,
        }.ToJsonString(JsonText.Options));
    }
}
