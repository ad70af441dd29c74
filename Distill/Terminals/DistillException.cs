using InfMatch.Datasets;
using InfMatch.Methods;
using InfMatch.Nn;
using InfMatch.Onnx;
using InfMatch.Tensors;
using InfMatch.Tensors.IO;

namespace InfMatch.Distill;

/// <summary>An error of the program itself, with the exit code it leads to and a message that ends with the fix.</summary>
internal sealed class DistillException : Exception
{
    // A path is shown whole, a damaged file's text is not.
    private const int LongestShown = 400;

    public DistillException(ExitCode exitCode, string code, string message, Exception? inner = null)
        : base($"{PrintableText.Of(message)} [{code}]", inner)
    {
        ExitCode = exitCode;
        Code = code;
    }

    /// <summary>What the process ends with.</summary>
    public ExitCode ExitCode { get; }

    /// <summary>The error's own code, such as IM2001.</summary>
    public string Code { get; }

    /// <summary>The option whose value is wrong, what it is and what was expected; null for other errors.</summary>
    public string? Option { get; private init; }

    /// <inheritdoc cref="Option"/>
    public string? Got { get; private init; }

    /// <inheritdoc cref="Option"/>
    public string? Expected { get; private init; }

    /// <summary>A value of an option is wrong.</summary>
    public static DistillException BadValue(string option, string got, string expected)
    {
        string shown = got.Length == 0 ? "empty" : $"\"{PrintableText.Of(got, LongestShown)}\"";
        return new DistillException(ExitCode.Usage, "IM2001", $"{option} is {shown}; expected {expected}.")
        {
            Option = option, Got = shown, Expected = expected,
        };
    }

    /// <summary>The command line cannot be understood.</summary>
    public static DistillException BadCommand(string message) => new(ExitCode.Usage, "IM2002", message);
}

/// <summary>Which exit code and message an exception leads to.</summary>
internal static class Failure
{
    /// <summary>The exit code of an exception.</summary>
    public static ExitCode CodeOf(Exception e) => e switch
    {
        DistillException own => own.ExitCode,
        OtherRankException other => (ExitCode)other.Code,
        OperationCanceledException => ExitCode.Interrupted,
        DatasetException { Fault: DatasetFault.UnknownName } => ExitCode.Usage, // as every other name that there is not
        DatasetException or ArrayFileException or OnnxModelException => ExitCode.Data,
        DeviceMemoryException or OutOfMemoryException => ExitCode.Memory,
        DeviceException => ExitCode.Device,
        NumericalException => ExitCode.Numerical,
        IOException or UnauthorizedAccessException => ExitCode.FileSystem,
        _ => ExitCode.Bug,
    };

    /// <summary>Whether an exception ends a run that is as it was before the step and can be put on disk.</summary>
    public static bool LeavesState(Exception e) =>
        e is OperationCanceledException or NumericalException or DeviceMemoryException or OtherRankException;

    /// <summary>One line for people: "command: what. fix."; with the stack on lines of its own, when verbose. Nothing that
    /// came from outside reaches the terminal raw.</summary>
    public static string Describe(string command, Exception e, bool verbose)
    {
        string line = PrintableText.Of($"{command}: {Say(e)}");
        return verbose ? $"{line}\n{PrintableText.OfLines($"{e}")}" : line;
    }

    /// <summary>The same without the command.</summary>
    public static string Say(Exception e) => PrintableText.Of(e switch
    {
        DeviceMemoryException =>
            $"{e.Message.TrimEnd('.')} (--expert-batch, --real-batch, --width, --eval-width, --ipc), or raise " +
            "--memory-limit where it is set. [IM5003]",
        OutOfMemoryException => "the host has no more memory. Lower --width, --ipc or --expert-batch. [IM5001]",
        OtherRankException => e.Message, // with the code of the other rank's error
        NumericalException => $"{e.Message} [IM6001]",
        OperationCanceledException => "interrupted.",
        FileNotFoundException missing =>
            $"the file {missing.FileName} is missing, or a link that leads nowhere. Put it back, or start anew. [IM7005]",
        _ when CodeOf(e) == ExitCode.Bug =>
            $"unexpected {e.GetType().Name}: {e.Message} This is a bug; run again with --verbose and report the text. " +
            "[IM1001]",
        _ => WithCode(e),
    });

    // Other projects do not number their errors, but for those of data sets.
    private static string WithCode(Exception e)
    {
        string? code = e switch
        {
            SafetensorsException => ErrorCodes.Safetensors,
            NpyException => ErrorCodes.Npy,
            ArrayFileException => ErrorCodes.DamagedArrays,
            OnnxModelException => ErrorCodes.OnnxModel,
            DeviceException => ErrorCodes.Device,
            IOException or UnauthorizedAccessException => ErrorCodes.Files,
            _ => null,
        };
        return code is null || e.Message.EndsWith(']') ? e.Message : $"{e.Message} [{code}]";
    }
}
