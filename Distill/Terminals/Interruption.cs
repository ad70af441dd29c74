using System.Runtime.InteropServices;

namespace InfMatch.Distill;

/// <summary>
/// Ctrl-C and SIGTERM: the first asks the work to stop after its step, the second ends the process at once. No time
/// limit is set in between, because a checkpoint that is being written must not be cut.
/// </summary>
internal sealed class Interruption : IDisposable
{
    private readonly CancellationTokenSource _source = new();
    private readonly List<PosixSignalRegistration> _registrations = [];

    private Interruption()
    {
    }

    /// <summary>Cancelled by the first signal.</summary>
    public CancellationToken Token => _source.Token;

    /// <summary>Begins to listen for signals of the process.</summary>
    public static Interruption Listen()
    {
        var interruption = new Interruption();
        foreach (PosixSignal signal in (PosixSignal[])[PosixSignal.SIGINT, PosixSignal.SIGTERM])
            interruption._registrations.Add(PosixSignalRegistration.Create(signal, interruption.OnSignal));
        return interruption;
    }

    /// <summary>Tells people that the first signal came, before anything is stopped.</summary>
    public Action? Announce { get; set; }

    /// <summary>Leaves the terminal in order, because the second signal ends the process.</summary>
    public Action? Abandon { get; set; }

    /// <summary>Hears no signals; <see cref="Interrupt"/> stands in for them.</summary>
    public static Interruption Silent() => new();

    /// <summary>What the first signal does.</summary>
    public void Interrupt()
    {
        Announce?.Invoke();
        _source.Cancel();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (PosixSignalRegistration registration in _registrations)
            registration.Dispose();
        _source.Dispose();
    }

    private void OnSignal(PosixSignalContext context)
    {
        // The second signal is left to the system, which ends the process at once.
        if (_source.IsCancellationRequested)
        {
            Abandon?.Invoke();
            return;
        }
        context.Cancel = true;
        Interrupt();
    }
}
