using InfMatch.Methods;
using InfMatch.Influence;
using InfMatch.Tensors;
using InfMatch.Tensors.IO;
using InfMatch.Tests.IO;
using InfMatch.Tests.Methods;

namespace InfMatch.Tests.Influence;

/// <summary>Damage in a recorded trajectory is found wherever it is, and the file is named.</summary>
public sealed class TrajectoryHashTests
{
    private static readonly ArrayFileLimits s_anyNumbers = ArrayFileLimits.Default with { AllowNonFinite = true };

    [Theory]
    [InlineData(DType.Float32)]
    [InlineData(DType.Float64)]
    public void A_flipped_bit_in_every_third_byte_is_refused(DType dtype)
    {
        const int Third = 3;
        using TinyProblem problem = Problem(dtype);
        using var folder = new TemporaryFolder();
        byte[] valid = File.ReadAllBytes(problem.Experts[0].Trajectory.Path);
        int refused = MutationAttack.Flips(
            valid, folder.At("t.safetensors"), path => Content(path, problem.Backend), seed: 31, Third, typeof(SafetensorsException),
            typeof(DamagedFileException), typeof(TrajectoryException));
        Assert.Equal((valid.Length + Third - 1) / Third, refused);
    }

    [Fact]
    public void A_vector_is_checked_when_it_is_read_and_the_others_can_still_be_had()
    {
        using TinyProblem problem = Problem(DType.Float32);
        using var folder = new TemporaryFolder();
        TrajectoryFile right = problem.Experts[0].Trajectory;
        string path = folder.At("t");
        byte[] bytes = File.ReadAllBytes(right.Path);
        bytes[SafetensorsHeader.Read(right.Path)["theta"].Offset + (3L * right.ParameterCount + 2) * sizeof(float)] ^= 1;
        File.WriteAllBytes(path, bytes);
        using TrajectoryFile damaged = TrajectoryFile.Open(path);
        using var scope = TensorScope.Begin();
        foreach (int checkpoint in (int[])[0, 2, 4, 6])
        {
            Assert.Equal(
                right.Theta(checkpoint, problem.Backend, DType.Float32).ToArray<float>(),
                damaged.Theta(checkpoint, problem.Backend, DType.Float32).ToArray<float>());
        }
        for (int time = 0; time < 2; time++)
        {
            DamagedFileException e = Assert.Throws<DamagedFileException>(
                () => damaged.Theta(3, problem.Backend, DType.Float32));
            Assert.StartsWith($"{path}: the parameters of checkpoint 3 do not have the hash", e.Message, StringComparison.Ordinal);
        }
        Assert.Throws<DamagedFileException>(damaged.CheckAll);
        right.CheckAll();
    }

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    public void A_number_that_is_none_names_the_file(float value)
    {
        using TinyProblem problem = Problem(DType.Float32);
        using var folder = new TemporaryFolder();
        ArraySet set = Safetensors.Read(problem.Experts[0].Trajectory.Path, s_anyNumbers);
        float[] theta = set["theta"].AsFloat32().ToArray();
        int p = problem.Network.Layout.Count;
        theta[p + 4] = value;
        WriteFirstFormat(folder.At("t"), set, NamedArray.From("theta", [theta.Length / p, p], theta));
        using TrajectoryFile file = TrajectoryFile.Open(folder.At("t"));
        file.Theta(0, problem.Backend, DType.Float32).Dispose();
        DamagedFileException e = Assert.Throws<DamagedFileException>(() => file.Theta(1, problem.Backend, DType.Float32));
        Assert.StartsWith(
            FormattableString.Invariant($"{folder.At("t")}: checkpoint 1 holds {value} at parameter 4"), e.Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void The_first_format_is_read_and_says_that_it_states_no_hash()
    {
        using TinyProblem problem = Problem(DType.Float64);
        using var folder = new TemporaryFolder();
        TrajectoryFile now = problem.Experts[0].Trajectory;
        Assert.Equal(64, now.ContentHash!.Length);
        WriteFirstFormat(folder.At("t"), Safetensors.Read(now.Path, s_anyNumbers));
        RandomKey key = RandomKey.FromSeed(7).Split("expert").Split(0);
        using Expert older = Expert.Open(
            problem.Network, problem.Data, problem.Plan, CheckpointSchedule.Every(6), key, folder.At("t"));
        Assert.Null(older.Trajectory.ContentHash);
        Assert.Equal(Content(now.Path, problem.Backend), Content(folder.At("t"), problem.Backend));
    }

    [Fact]
    public void A_file_of_this_format_without_hashes_or_with_those_of_another_is_refused()
    {
        using TinyProblem problem = Problem(DType.Float64, experts: 2);
        using var folder = new TemporaryFolder();
        ArraySet set = Safetensors.Read(problem.Experts[0].Trajectory.Path, s_anyNumbers);
        ArraySet other = Safetensors.Read(problem.Experts[1].Trajectory.Path, s_anyNumbers);
        foreach (NamedArray[] hashes in (NamedArray[][])
            [[], [other[TrajectoryHashes.Name]], [NamedArray.From(TrajectoryHashes.Name, [1, 32], new byte[32])]])
        {
            Safetensors.Write(
                folder.At("t"), [.. set.Arrays.Where(a => a.Name != TrajectoryHashes.Name), .. hashes], set.Metadata);
            DamagedFileException e = Assert.Throws<DamagedFileException>(() => TrajectoryFile.Open(folder.At("t")));
            Assert.StartsWith(folder.At("t"), e.Message, StringComparison.Ordinal);
        }
        Assert.NotEqual(
            problem.Experts[0].Trajectory.ContentHash, problem.Experts[1].Trajectory.ContentHash, StringComparer.Ordinal);
    }

    internal static void WriteFirstFormat(string path, ArraySet set, params NamedArray[] instead) => Safetensors.Write(
        path,
        [
            .. set.Arrays.Where(a => a.Name != TrajectoryHashes.Name && Array.TrueForAll(instead, i => i.Name != a.Name)), .. instead,
        ],
        new Dictionary<string, string>(set.Metadata, StringComparer.Ordinal) { ["format"] = TrajectoryFile.FirstFormat });

    private static string Content(string path, Backend backend)
    {
        using var scope = TensorScope.Begin();
        using TrajectoryFile file = TrajectoryFile.Open(path);
        file.CheckAll();
        return string.Join(
            '\n',
            [
                .. Enumerable.Range(0, file.Count).Select(i =>
                    $"{file.StepOf(i)} {string.Join(' ', file.Theta(i, backend, DType.Float64).ToArray<double>())}"),
                string.Join(' ', file.Losses), string.Join(' ', Enumerable.Range(0, file.Losses.Count).Select(file.RateAt)),
                $"{file.Accuracy}",
                .. file.Metadata.Where(m => m.Key != "format").OrderBy(m => m.Key, StringComparer.Ordinal).Select(m => $"{m}"),
            ]);
    }

    private static TinyProblem Problem(DType dtype, int experts = 1) =>
        new(CheckpointSchedule.Every(6), backend: new CpuBackend(1), dtype: dtype, experts: experts);
}
