using System.Globalization;
using InfMatch.Nn;
using InfMatch.Tensors;

namespace InfMatch.Distill;

internal sealed partial class SetEvaluator
{
    // As many networks at a time as have room, with their sets.
    private sealed class Rounds(SetEvaluator evaluator, Column[] columns, int repeats) : IJobRunner
    {
        private readonly Dictionary<int, LabelledImages> _sets = [];

        public Job JobOf(int number) => columns[number / repeats].Files is { } files
            ? new KeptNetworkJob(this, number, files.FileOf(number % repeats))
            : new NetworkJob(this, number);

        public void Run(IReadOnlyList<Job> jobs, Action<Job, int>? ended = null, CancellationToken cancel = default)
        {
            int done = 0;
            var left = new Queue<Job>();
            foreach (Job job in jobs)
            {
                if (job.IsDone())
                    ended?.Invoke(job, ++done);
                else
                    left.Enqueue(job);
            }
            while (left.Count > 0)
            {
                if (left.Peek().IsDone()) // another process has evaluated it meanwhile
                {
                    ended?.Invoke(left.Dequeue(), ++done);
                    continue;
                }
                using var scope = TensorScope.Begin();
                List<LabelledImages> sets = SetsOf(scope, [.. left.Select(NumberOf)]);
                Job[] round = [.. sets.Select(_ => left.Dequeue())];
                for (int i = 0; i < round.Length; i++)
                {
                    _sets[NumberOf(round[i])] = sets[i];
                    ColumnOf(NumberOf(round[i])).Begin();
                }
                try
                {
                    new LocalJobRunner(evaluator._data.Backend).Run(round, (job, _) => ended?.Invoke(job, ++done), cancel);
                }
                finally
                {
                    _sets.Clear();
                    // Also when another set failed or the user pressed Ctrl-C: what is known is not lost.
                    FinishComplete();
                }
            }
            FinishComplete();
        }

        public int GroupOf(int number) => number / repeats;

        public bool IsKnown(int number) => ColumnOf(number).IsKnown(number % repeats);

        public bool IsKept(int number)
        {
            if (IsKnown(number))
                return true;
            if (ColumnOf(number).Files!.Read(number % repeats) is not { } kept)
                return false;
            ColumnOf(number).Know(number % repeats, kept);
            return true;
        }

        public void Make(int number, CancellationToken cancel)
        {
            EvaluatedNetwork found = evaluator.EvaluateOnce(_sets[number], number % repeats, ColumnOf(number), cancel);
            ColumnOf(number).Files?.Write(number % repeats, found);
            ColumnOf(number).Know(number % repeats, found);
        }

        private Column ColumnOf(int number) => columns[number / repeats];

        private static int NumberOf(Job job) => int.Parse(job.Key, CultureInfo.InvariantCulture);

        private void FinishComplete()
        {
            foreach (Column evaluated in columns)
                evaluated.FinishIfComplete();
        }

        // The sets of the networks that are trained at the same time, of those that are left; all of them have room at once. A
        // set that cannot be made ends the round: the networks before it are evaluated first.
        private List<LabelledImages> SetsOf(TensorScope scope, int[] left)
        {
            Backend backend = evaluator._data.Backend;
            LabelledImages Make(int i) => ColumnOf(i).SetOf(i % repeats);
            int DegreeFor(LabelledImages set) =>
                DegreeOfParallelism(evaluator.Network, Math.Min(set.Count, evaluator._plan.BatchSize), backend);
            var sets = new List<LabelledImages> { Make(left[0]) };
            int degree = DegreeFor(sets[0]);
            if (NextRound(left.Length, degree, backend) == 1)
                return sets;
            for (int i = 1; i < left.Length && sets.Count < degree; i++)
            {
                using var own = TensorScope.Begin();
                LabelledImages next;
                try
                {
                    next = Make(left[i]);
                }
                catch (Exception e) when (e is not OperationCanceledException)
                {
                    break; // it comes again as the first of a round
                }
                degree = Math.Min(degree, DegreeFor(next));
                if (sets.Count >= degree)
                    break;
                own.Keep(next.Images);
                own.Keep(next.Labels);
                sets.Add(next);
            }
            return sets;
        }
    }

    // One network. Its set is in the device's memory, and its result is two numbers that its column takes: where an evaluation has
    // a folder, they are a line of a file there.
    private sealed class NetworkJob(Rounds rounds, int number) : Job
    {
        public override string Key => number.ToString(CultureInfo.InvariantCulture);

        // A set is known only when all of its networks are.
        public override int? Group => rounds.GroupOf(number);

        public override bool IsDone() => rounds.IsKnown(number);

        public override void Make(CancellationToken cancel) => rounds.Make(number, cancel);
    }

    // One network whose result is a file that other processes see.
    private sealed class KeptNetworkJob(Rounds rounds, int number, string file) : FileJob
    {
        public override string Key => number.ToString(CultureInfo.InvariantCulture);

        public override int? Group => rounds.GroupOf(number);

        public override IReadOnlyList<string> Inputs => [];

        public override string Result => file;

        public override bool IsDone() => rounds.IsKept(number);

        public override void Make(CancellationToken cancel) => rounds.Make(number, cancel);
    }
}
