namespace InfMatch.Datasets;

/// <summary>How a data set is loaded; every part may be left out.</summary>
public sealed record LoadOptions
{
    /// <summary>The largest sizes accepted.</summary>
    public DecodeLimits Limits { get; init; } = DecodeLimits.Default;

    /// <summary>Side of the square that decoded images are brought to; null leaves them, and then all must be of one
    /// size.
    /// </summary>
    public int? ImageSize { get; init; }

    /// <summary>Where decoded sets are kept; null keeps none.</summary>
    public DecodedCache? Cache { get; init; }

    /// <summary>Hears the name of a long stage, how much is done and how much there is; one call at a time.</summary>
    public Action<string, long, long>? Progress { get; init; }

    /// <summary>Hears what a person should know, one line each: a split that was made, files that were left
    /// out.</summary>
    public Action<string>? Note { get; init; }

    /// <summary>Stops the loading with an <see cref="OperationCanceledException"/>.</summary>
    public CancellationToken Cancel { get; init; }
}
