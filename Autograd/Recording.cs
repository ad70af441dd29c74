namespace InfMatch.Autograd;

/// <summary>Whether operations on this thread are recorded for differentiation.</summary>
public static class Recording
{
    [ThreadStatic]
    private static bool s_off;

    /// <summary>True unless inside <see cref="Off"/>.</summary>
    public static bool IsOn => !s_off;

    /// <summary>Stops recording on this thread until disposed of: results are constants, and no graph is
    /// kept.</summary>
    public static IDisposable Off() => new Switch(off: true);

    /// <summary>Records again until disposed of, also inside <see cref="Off"/>.</summary>
    public static IDisposable On() => new Switch(off: false);

    private sealed class Switch : IDisposable
    {
        private readonly bool _before = s_off;

        public Switch(bool off) => s_off = off;

        public void Dispose() => s_off = _before;
    }
}
