using System.IO.MemoryMappedFiles;
using System.Numerics;
using System.Runtime.InteropServices;
using InfMatch.Tensors;
using InfMatch.Tensors.IO;

namespace InfMatch.Influence;

/// <summary>A trajectory file that does not fit its network, its data or its own description.</summary>
public sealed class TrajectoryException(string message) : Exception(PrintableText.Of(message));

/// <summary>
/// The recorded training of one network on D: a safetensors file with the stored steps [K], their parameters θ [K, p]
/// in the number type that it trained in, every step's rate [T] and loss [T], and the test accuracy at the end. It is
/// memory-mapped: a trajectory may be larger than memory, and an estimator reads two vectors at a time. Each vector has a
/// hash in the file, to which it is held when it is first read, and all else has one, to which opening holds it.
/// </summary>
public sealed class TrajectoryFile : IDisposable
{
    internal const string
        LaterFormat = "infmatch-trajectory-3", Format = "infmatch-trajectory-2", FirstFormat = "infmatch-trajectory-1";

    // From one checkpoint to the next: a window of a stand-in has a displacement, too.
    private const float StandInGrowth = 1e-3f;

    private readonly MemoryMappedFile _file;
    private readonly MemoryMappedViewAccessor _view;
    private readonly long _thetaOffset;
    private readonly bool _isDouble;
    private readonly int[] _steps;
    private readonly double[] _rates, _sumOfRates;
    private readonly float[] _losses;
    private readonly TrajectoryHashes? _hashes;
    private readonly bool[] _isChecked;
    private readonly bool _isPlaceholder;
    private readonly float[]? _standIn;

    private TrajectoryFile(int parameters, int[] steps, double[] rates, float[]? standIn)
    {
        _standIn = standIn;
        (_file, _view, _isPlaceholder, _isChecked) = (null!, null!, true, []);
        (Path, Metadata, ParameterCount) = ("", new Dictionary<string, string>(StringComparer.Ordinal), parameters);
        (_steps, _rates, _losses, _sumOfRates) = (steps, rates, new float[rates.Length], SumsOf(rates));
        Accuracy = double.NaN;
    }

    /// <summary>A trajectory without numbers, for a <see cref="MemoryDryRun"/>: vectors of so many parameters at steps of
    /// these rates, which nobody can read; or with θ [p] that stands for those of a training that has not been made, a little
    /// longer at each checkpoint, for whoever measures times.</summary>
    public static TrajectoryFile Placeholder(int parameters, int[] steps, double[] rates, float[]? standIn = null) =>
        new(parameters, steps, rates, standIn);

    private TrajectoryFile(string path, SafetensorsHeader header)
    {
        Path = path;
        Metadata = header.Metadata;
        _file = MemoryMappedFile.CreateFromFile(path, FileMode.Open, null, 0, MemoryMappedFileAccess.Read);
        _view = _file.CreateViewAccessor(0, 0, MemoryMappedFileAccess.Read);
        _thetaOffset = header["theta"].Offset;
        _isDouble = header["theta"].Element == ArrayElement.Float64;
        ParameterCount = header["theta"].Dimensions[1];
        _steps = new int[header["steps"].Dimensions[0]];
        _rates = new double[header["rates"].Dimensions[0]];
        _losses = new float[_rates.Length];
        var accuracy = new double[1];
        _view.ReadArray(header["steps"].Offset, _steps, 0, _steps.Length);
        _view.ReadArray(header["rates"].Offset, _rates, 0, _rates.Length);
        _view.ReadArray(header["losses"].Offset, _losses, 0, _losses.Length);
        _view.ReadArray(header["accuracy"].Offset, accuracy, 0, 1);
        Accuracy = accuracy[0];
        _sumOfRates = SumsOf(_rates);
        _isChecked = new bool[_steps.Length];
        if (header.Entries.FirstOrDefault(e => e.Name == TrajectoryHashes.Name) is not { } hashes)
            return;
        _hashes = new TrajectoryHashes(ReadBytes(hashes.Offset, hashes.ByteCount));
        if (!_hashes.IsRight(ReadBytes(0, header.DataStart), _steps, _rates, _losses, Accuracy))
        {
            Dispose();
            throw Damaged(path, "the content does not have the hash that the file states");
        }
    }

    private static double[] SumsOf(double[] rates)
    {
        var sums = new double[rates.Length + 1];
        for (int t = 0; t < rates.Length; t++)
            sums[t + 1] = sums[t] + rates[t];
        return sums;
    }

    /// <summary>Where the file is.</summary>
    public string Path { get; }

    /// <summary>What was trained and how, as text.</summary>
    public IReadOnlyDictionary<string, string> Metadata { get; }

    /// <summary>p.</summary>
    public int ParameterCount { get; }

    /// <summary>K, the number of stored checkpoints.</summary>
    public int Count => _steps.Length;

    /// <summary>The test accuracy of the last checkpoint, 0 … 1; NaN if it was not measured.</summary>
    public double Accuracy { get; }

    /// <summary>The loss of every step's batch.</summary>
    public IReadOnlyList<float> Losses => _losses;

    /// <summary>SHA-256 of the whole file, in lower-case hex; null for a file of an earlier version, which states none, so
    /// that damage in it is not found.</summary>
    public string? ContentHash => _hashes?.Whole;

    /// <summary>Whether a file says that it is a trajectory; what is no safetensors file is none.</summary>
    public static bool IsOne(string path)
    {
        try
        {
            SafetensorsHeader header = SafetensorsHeader.Read(path, new ArrayFileLimits { MaxDataBytes = long.MaxValue });
            return header.Metadata.GetValueOrDefault("format") is LaterFormat or Format or FirstFormat;
        }
        catch (SafetensorsException)
        {
            return false;
        }
    }

    /// <summary>Opens a finished trajectory and checks all but the parameters, which are checked as they are read.</summary>
    /// <exception cref="SafetensorsException">The file is not a complete safetensors file.</exception>
    /// <exception cref="DamagedFileException">The content does not have the hash that the file states.</exception>
    /// <exception cref="TrajectoryException">It lacks what a trajectory has.</exception>
    public static TrajectoryFile Open(string path)
    {
        SafetensorsHeader header = SafetensorsHeader.Read(path, new ArrayFileLimits { MaxDataBytes = long.MaxValue });
        (string Name, ArrayElement Element, int Rank)[] expected =
        [
            ("steps", ArrayElement.Int32, 1), ("rates", ArrayElement.Float64, 1), ("theta", ArrayElement.Float32, 2),
            ("losses", ArrayElement.Float32, 1), ("accuracy", ArrayElement.Float64, 1),
        ];
        foreach ((string name, ArrayElement element, int rank) in expected)
        {
            SafetensorsEntry? entry = header.Entries.FirstOrDefault(e => e.Name == name);
            bool isOther = entry is not null && entry.Element != element
                && !(name == "theta" && entry.Element == ArrayElement.Float64);
            if (entry is null || isOther || entry.Dimensions.Length != rank)
            {
                throw new TrajectoryException(
                    $"{path} is no trajectory: an array '{name}' of {element} and rank {rank} is missing. Record it again with 'train'.");
            }
        }
        if (header["steps"].Dimensions[0] != header["theta"].Dimensions[0]
            || header["rates"].Dimensions[0] != header["losses"].Dimensions[0])
        {
            throw new TrajectoryException($"{path}: the numbers of steps and of parameter vectors differ. Record it again.");
        }
        if (header["accuracy"].Dimensions[0] != 1)
            throw new TrajectoryException($"{path}: one accuracy was expected, {header["accuracy"].Dimensions[0]} are stored. Record it again.");
        if (header["steps"].Dimensions[0] < 1 || header["theta"].Dimensions[1] < 1)
            throw new TrajectoryException($"{path} holds no parameters. Record it again.");
        RequireHashes(path, header);
        var trajectory = new TrajectoryFile(path, header);
        if (Array.FindIndex(trajectory._rates, rate => !double.IsFinite(rate)) is >= 0 and int wrong)
        {
            double rate = trajectory._rates[wrong];
            trajectory.Dispose();
            throw new TrajectoryException($"{path}: the rate of step {wrong} is {rate}. Record it again.");
        }
        for (int i = 0; i < trajectory.Count; i++)
        {
            int step = trajectory._steps[i];
            if (step < 0 || step > trajectory._rates.Length || (i > 0 && step <= trajectory._steps[i - 1]))
            {
                trajectory.Dispose();
                throw new TrajectoryException(
                    $"{path}: checkpoint {i} claims step {step}; steps must ascend from 0 to {trajectory._rates.Length}. Record it again.");
            }
        }
        return trajectory;
    }

    /// <summary>The step before which checkpoint i was stored.</summary>
    public int StepOf(int checkpoint) => _steps[checkpoint];

    /// <summary>η^t.</summary>
    public double RateAt(int step) => _rates[step];

    /// <summary>Σ η^t over the steps between two checkpoints.</summary>
    public double RateBetween(int first, int last) => _sumOfRates[_steps[last]] - _sumOfRates[_steps[first]];

    /// <summary>θ at a checkpoint [p], in the given number type; it belongs to the current scope.</summary>
    /// <exception cref="DamagedFileException">It does not have its hash, or holds NaN or an infinity.</exception>
    public Tensor Theta(int checkpoint, Backend backend, DType dtype)
    {
        if (_standIn is not null)
        {
            float[] values = Array.ConvertAll(_standIn, v => v * (1 + StandInGrowth * checkpoint));
            return Tensor.From<float>(backend, values, new Shape(ParameterCount)).To(dtype);
        }
        if (_isPlaceholder)
            return backend.Empty(new Shape(ParameterCount), dtype);
        return _isDouble ? Read<double>() : Read<float>();

        Tensor Read<T>() where T : unmanaged, IFloatingPointIeee754<T> =>
            Tensor.From<T>(backend, ReadTheta<T>(checkpoint), new Shape(ParameterCount)).To(dtype);
    }

    /// <summary>Checks the parameters of every checkpoint that has not been read yet.</summary>
    /// <exception cref="DamagedFileException">One does not have its hash, or holds NaN or an infinity.</exception>
    public void CheckAll()
    {
        for (int checkpoint = 0; checkpoint < Count; checkpoint++)
        {
            if (_isChecked[checkpoint])
                continue;
            if (_isDouble)
                ReadTheta<double>(checkpoint);
            else
                ReadTheta<float>(checkpoint);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_isPlaceholder)
            return;
        _view.Dispose();
        _file.Dispose();
    }

    private T[] ReadTheta<T>(int checkpoint) where T : unmanaged, IFloatingPointIeee754<T>
    {
        var values = new T[ParameterCount];
        long start = (long)checkpoint * ParameterCount * Marshal.SizeOf<T>();
        _view.ReadArray(_thetaOffset + start, values, 0, values.Length);
        if (_isChecked[checkpoint])
            return values;
        if (_hashes?.IsRight(checkpoint, MemoryMarshal.AsBytes<T>(values)) == false)
            throw Damaged(Path, $"the parameters of checkpoint {checkpoint} do not have the hash that the file states");
        if (TrajectoryHashes.IndexOfNotFinite<T>(values) is >= 0 and int at)
        {
            throw new DamagedFileException(
                Path, $"checkpoint {checkpoint} holds {values[at]} at parameter {at}: its training diverged, or the file is "
                + "damaged. Delete the file, so that it is recorded again, with a lower rate if it diverged.");
        }
        _isChecked[checkpoint] = true;
        return values;
    }

    private byte[] ReadBytes(long offset, long count)
    {
        var bytes = new byte[count];
        _view.ReadArray(offset, bytes, 0, bytes.Length);
        return bytes;
    }

    // A file of the second format without its hashes is not one of the first.
    private static void RequireHashes(string path, SafetensorsHeader header)
    {
        SafetensorsEntry? hashes = header.Entries.FirstOrDefault(e => e.Name == TrajectoryHashes.Name);
        string format = header.Metadata.GetValueOrDefault("format", FirstFormat);
        int count = header["theta"].Dimensions[0] + 1;
        bool isRight = hashes is null
            ? format == FirstFormat
            : format is LaterFormat or Format && hashes.Element == ArrayElement.UInt8
                && hashes.Dimensions.AsSpan().SequenceEqual([count, TrajectoryHashes.Bytes]);
        if (!isRight)
        {
            throw Damaged(
                path, $"its format is \"{format}\" and {(hashes is null ? "it states no hashes" : "its hashes are not those of it")}");
        }
    }

    private static DamagedFileException Damaged(string path, string what) => new(
        path, $"{what}, so it was damaged or changed after it was recorded. Delete the file, so that it is recorded again.");
}
