namespace InfMatch.Tensors.IO;

/// <summary>
/// The content of an array file breaks its format or a stated limit; the message names the file, the place, what was
/// found, what was expected, and the likely fix.
/// </summary>
public abstract class ArrayFileException : FormatException
{
    private protected ArrayFileException(string source, string problem, Exception? inner)
        : base(PrintableText.Of($"{source}: {problem}"), inner)
    {
    }

    internal static string NameOf(Stream stream) => stream is FileStream file ? file.Name : "(stream)";
}

/// <summary>A safetensors file is damaged, unfinished, hostile or beyond a limit.</summary>
public sealed class SafetensorsException : ArrayFileException
{
    internal SafetensorsException(string source, string problem, Exception? inner = null)
        : base(source, problem, inner)
    {
    }
}

/// <summary>A .npy array or an .npz archive is damaged, hostile, of an unsupported kind or beyond a limit.</summary>
public sealed class NpyException : ArrayFileException
{
    internal NpyException(string source, string problem, Exception? inner = null)
        : base(source, problem, inner)
    {
    }
}

/// <summary>
/// The content of a file is not what was written: it does not have the hash that the file states, or what must be a number
/// is NaN or infinite.
/// </summary>
public sealed class DamagedFileException : ArrayFileException
{
    /// <summary>Creates the exception.</summary>
    /// <param name="source">The file.</param>
    /// <param name="problem">What is wrong with it, and the likely fix.</param>
    public DamagedFileException(string source, string problem)
        : base(source, problem, inner: null)
    {
    }
}
