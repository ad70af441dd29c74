using System.Globalization;
using InfMatch.Autograd;
using InfMatch.Influence;
using InfMatch.Nn;
using InfMatch.Tensors;

namespace InfMatch.Distill;

/// <summary>
/// 'influence validate': every estimate against retraining, on one recorded training after another. What was retrained
/// is kept in the folder of the training, so that a second call, or one with other estimates, does not train again.
/// </summary>
internal sealed class RetrainingStudy(FidelitySettings settings, StudyInput input)
{
    private readonly CpuBackend _backend = new(1);
    private readonly LocalJobRunner _runner = new(input.Threads);
    private readonly List<FidelityRow> _rows = [];
    private readonly JobShare? _share = input.Part is { } part ? new JobShare(part) : null;

    /// <summary>How many retrainings there are, and how many are to be, as far as the study has come.</summary>
    public (int There, int Of) Retrained { get; private set; }

    /// <summary>Measures all seeds.</summary>
    /// <exception cref="DistillException">More examples, groups or test images are asked for than there are.</exception>
    public IReadOnlyList<FidelityRow> Run()
    {
        Check();
        for (int s = 0; s < settings.Seeds; s++)
        {
            using var scope = TensorScope.Begin();
            using RecordedCase recorded = RecordedCase.Open(
                settings, input, RandomKey.FromSeed(input.Seed + (ulong)s).Split("influence"), _backend);
            Measure(recorded, s);
        }
        return _rows;
    }

    private void Measure(RecordedCase recorded, int s)
    {
        var retrainings = new RetrainingCache(
            recorded.Expert, Path.Combine(recorded.Folder, "retrained"), settings.Horizons);
        var interventions = new StudyInterventions(settings, recorded);
        IReadOnlyList<string> retrained = Retrain(retrainings, interventions.All, recorded.Folder, s);
        Retrained = (Retrained.There + retrained.Count(File.Exists), Retrained.Of + retrained.Count);
        if (_share is not null)
            return;
        StudyFiles files = interventions.Sort(retrained);
        (LabelledImages validation, LabelledImages tests) = recorded.TestImages(
            settings.Validation, settings.TestPoints);
        ParameterLoss measure = recorded.MeasureOf(validation);
        ParameterLoss[] points =
        [
            .. Enumerable.Range(0, settings.TestPoints).Select(q => recorded.MeasureOf(tests.Rows([q]))),
        ];
        var study = new StudyCase(settings, recorded, interventions, measure, points, s);
        GroundTruth[] groundTruths = study.GroundTruths(retrainings, files);
        FidelityRow[] rows = Estimate(study, groundTruths);
        for (int h = 0; h < groundTruths.Length; h++)
        {
            _rows.AddRange(rows.Skip(h * settings.Estimators.Length).Take(settings.Estimators.Length));
            if (files.Twin is { } twin)
                _rows.Add(study.TwinRow(retrainings, twin, groundTruths[h]));
        }
    }

    private IReadOnlyList<string> Retrain(RetrainingCache retrainings, Intervention[] all, string folder, int s)
    {
        IReadOnlyList<string> files;
        using (IProgressStage stage = input.Progress.Begin($"Seed {s}: training again", _share?.CountNext(all.Length) ?? all.Length))
        {
            var shared = new SharedJobRunner(_runner, _share)
            {
                Waits = left => input.Progress.Note($"Other processes make {left} of the retrainings; waiting for them."),
            };
            files = retrainings.Run(all, shared, done => stage.Report(done), input.Cancel);
        }
        foreach (string damaged in retrainings.Damaged)
            input.Progress.Note($"{damaged} was damaged and has been made again.");
        if (retrainings.WithoutHash > 0)
        {
            input.Progress.Note(
                $"{retrainings.WithoutHash} of {files.Count} results in {Path.Combine(folder, "retrained")} state no hash of " +
                "their content, because an earlier version wrote them: damage in them cannot be found.");
        }
        return files;
    }

    // Each on one thread, so that numbers do not depend on how many there are; the longest horizons, which cost most, first.
    private FidelityRow[] Estimate(StudyCase study, GroundTruth[] groundTruths)
    {
        EstimateJob[] jobs = [.. groundTruths.SelectMany(t => settings.Estimators.Select(name => new EstimateJob(study, t, name)))];
        using IProgressStage stage = input.Progress.Begin($"Seed {study.Seed}: estimates", jobs.Length);
        _runner.Run(
            [.. Enumerable.Reverse(jobs)],
            (job, done) =>
            {
                var ended = (EstimateJob)job;
                if (ended.Remark is { } remark)
                    input.Progress.Note($"After {ended.Steps} steps, {remark}");
                stage.Report(done, ended.Key);
            },
            input.Cancel);
        return [.. jobs.Select(j => j.Row!)];
    }

    private void Check()
    {
        int n = settings.Examples;
        AtMost("--leave-out", settings.LeaveOut, n, "--examples");
        if (settings.Groups > 0)
            AtMost("--group-size", settings.GroupSize, n - 1, "one less than --examples");
        if (settings.Candidates > 0)
            AtMost("--candidate-ipc", settings.CandidateIpc, n / input.Pair.Train.Classes, "--examples for each class");
        if (settings.Subsets > 0 && Intervention.KeptOf(n, settings.SubsetShare) is int kept && (kept == 0 || kept == n))
        {
            throw DistillException.BadValue(
                "--subset-share", settings.SubsetShare.ToString("R", CultureInfo.InvariantCulture),
                $"a share that leaves some of {n} examples out and not all");
        }

        static void AtMost(string option, int value, int most, string what)
        {
            if (value > most)
                throw DistillException.BadValue(option, $"{value}", $"at most {most}, {what}");
        }
    }
}
