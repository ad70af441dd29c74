using System.Text;
using InfMatch.Tensors;

namespace InfMatch.Datasets;

/// <summary>What kind of thing is wrong with a data set; the number is the error code printed in the message.</summary>
public enum DatasetFault
{
    /// <summary>A file, a folder or a whole data set is not there.</summary>
    NotFound = 3001,

    /// <summary>The operating system refuses to read the file.</summary>
    Unreadable = 3002,

    /// <summary>The file or folder is of another kind: folder for file, labels for images, pickle for binary.</summary>
    WrongFormat = 3003,

    /// <summary>The file ends before its contents do.</summary>
    Truncated = 3004,

    /// <summary>The file goes on after its contents end.</summary>
    ExtraBytes = 3005,

    /// <summary>A size in a header is zero or impossible.</summary>
    BadHeader = 3006,

    /// <summary>A size is over the limit of <see cref="DecodeLimits"/>.</summary>
    TooLarge = 3007,

    /// <summary>Compressed data or a checksum is wrong.</summary>
    Damaged = 3008,

    /// <summary>A label is not one of the classes.</summary>
    LabelOutOfRange = 3009,

    /// <summary>Two files that belong together differ in number or size of images.</summary>
    Mismatch = 3010,

    /// <summary>Two files that must differ have the same contents.</summary>
    Duplicate = 3011,

    /// <summary>No data set has this name.</summary>
    UnknownName = 3012,

    /// <summary>The pixels cannot be used: a channel is constant, so that its standard deviation is 0.</summary>
    ConstantPixels = 3013,

    /// <summary>A class has fewer images than asked for.</summary>
    NotEnoughImages = 3014,

    /// <summary>A file cannot be downloaded.</summary>
    NotReached = 3015,
}

/// <summary>
/// A data set is missing, damaged or not what it was said to be; the message says where, what and how to mend it.
/// </summary>
public sealed class DatasetException : Exception
{
    /// <summary>Describes a fault found at a place, with what was got, what was expected and the likely fix.</summary>
    public DatasetException(
        DatasetFault fault, string place, string fact, string? got = null, string? expected = null, string? fix = null)
    {
        (Fault, Place, Fact) = (fault, place, fact);
        (Got, Expected, Fix) = (got, expected, fix);
    }

    /// <summary>Describes a fault that another exception tells of.</summary>
    public DatasetException(DatasetFault fault, string place, string fact, string? fix, Exception? innerException)
        : base(null, innerException) => (Fault, Place, Fact, Fix) = (fault, place, fact, fix);

    /// <inheritdoc/>
    public override string Message => Compose();

    /// <summary>The kind of fault.</summary>
    public DatasetFault Fault { get; }

    /// <summary>The error code printed at the end of the message, for example IM3004.</summary>
    public string Code => $"IM{(int)Fault}";

    /// <summary>The file, folder or data set that is at fault.</summary>
    public string Place { get; }

    /// <summary>What is wrong, without numbers.</summary>
    public string Fact { get; }

    /// <summary>Offset in bytes into the file (after unpacking, where it is packed), where one makes sense.</summary>
    public long? Offset { get; init; }

    /// <summary>What was found.</summary>
    public string? Got { get; init; }

    /// <summary>What should have been found.</summary>
    public string? Expected { get; init; }

    /// <summary>The likely fix, one sentence.</summary>
    public string? Fix { get; }

    private string Compose()
    {
        var text = new StringBuilder(Place);
        if (Offset is { } at)
            text.Append($" (byte {at})");
        text.Append(": ").Append(Fact);
        if (Got is not null)
            text.Append(": got ").Append(Got);
        if (Expected is not null)
            text.Append(Got is null ? ": expected " : ", expected ").Append(Expected);
        text.Append('.');
        if (Fix is not null)
            text.Append(' ').Append(Fix);
        // Names of files and what stands in them come from anywhere.
        return PrintableText.Of(text.Append(" [").Append(Code).Append(']').ToString());
    }
}
