namespace InfMatch.Nn;

/// <summary>Does jobs, several at a time where it can.</summary>
public interface IJobRunner
{
    /// <summary>
    /// Does every job whose result is not there, each once. They begin in their order. Where one fails, those behind it and the
    /// others of its group are stopped, those before it go on to their end, and then the error of the first that failed comes to
    /// the caller as it was thrown.
    /// </summary>
    /// <param name="jobs">What is to be done.</param>
    /// <param name="ended">Called after each job with it and the number of jobs done; one call at a time, numbers
    /// ascending. </param>
    /// <param name="cancel">Stops; what is done stays done.</param>
    /// <exception cref="OperationCanceledException">It was stopped.</exception>
    void Run(IReadOnlyList<Job> jobs, Action<Job, int>? ended = null, CancellationToken cancel = default);
}
