using InfMatch.Distill;
using InfMatch.Tensors;

namespace InfMatch.Tests.Distill;

public sealed class CommandLineTests : IDisposable
{
    private readonly CommandRun _run = new();

    public void Dispose() => _run.Dispose();

    [Theory]
    [InlineData("--lr-img", "-1", "a number above 0")]
    [InlineData("--lr-img", "0", "a number above 0")]
    [InlineData("--lr-img", "NaN", "a number above 0")]
    [InlineData("--lr-img", "1e999", "a number above 0")]
    [InlineData("--temperature", "1e-45", "a number above 0")]
    [InlineData("--lr-label", "-0.1", "a number from 0")]
    [InlineData("--expert-rate", "-0.1", "a number above 0")]
    [InlineData("--eval-rate", "fast", "a number above 0")]
    [InlineData("--momentum-img", "1", "a number from 0 to below 1")]
    [InlineData("--ipc", "0", "a whole number from 1 to 100000")]
    [InlineData("--ipc", "-2", "a whole number from 1 to 100000")]
    [InlineData("--iterations", "2.5", "a whole number from 1 to 10000000")]
    [InlineData("--width", "4097", "a whole number from 1 to 4096")]
    [InlineData("--seed", "-1", "a whole number from 0")]
    [InlineData("--estimator", "unroled", "did you mean unrolled?")]
    [InlineData("--device", "tpu", "one of auto, cpu, cuda, opencl")]
    [InlineData("--precision", "tf3", "did you mean tf32?")]
    [InlineData("--augment", "blur", "one of auto, color-crop")]
    [InlineData("--start-last", "1", "a number from --start-first")]
    [InlineData("--protocol", "C", "one of A, B")]
    [InlineData("--cutmix", "1.5", "a number from 0 to 1")]
    [InlineData("--zca", "0", "none or a number above 0")]
    [InlineData("--factor", "0", "a whole number from 1 to 64")]
    [InlineData("--preset", "large", "one of best, demo, first-order, lors, mtt-vl, own-path, pairs, paper, standard, trajectory, ")]
    public void A_bad_value_names_the_option_the_value_and_what_is_expected(string option, string value, string expected)
    {
        Assert.Equal((int)ExitCode.Usage, _run.Run("distill", option, value));
        Assert.StartsWith($"distill: {option} is \"{value}\"; expected ", _run.Errors);
        Assert.Contains(expected, _run.Errors);
        AssertOneLineWithoutStack();
        Assert.Equal("", _run.Output);
        Assert.False(Directory.Exists(_run.Runs));
    }

    [Theory]
    [InlineData("distil", "\"distil\" is not known here. Did you mean distill?")]
    [InlineData("--wdith", "\"--wdith\" is not known here. See --help")]
    public void An_unknown_word_is_answered_shortly(string word, string message)
    {
        Assert.Equal((int)ExitCode.Usage, _run.RunAsGiven(Interruption.Silent(), word));
        Assert.StartsWith($"distill: {message}", _run.Errors);
        AssertOneLineWithoutStack();
    }

    [Fact]
    public void A_mistyped_option_gets_a_suggestion()
    {
        Assert.Equal((int)ExitCode.Usage, _run.Run("distill", "--lr-imgs", "3"));
        Assert.Contains("\"--lr-imgs\" is not known here. Did you mean --lr-img? See distill --help.", _run.Errors);
    }

    [Fact]
    public void An_option_without_its_value_is_a_usage_error()
    {
        Assert.Equal((int)ExitCode.Usage, _run.RunAsGiven(Interruption.Silent(), "distill", "--lr-img"));
        Assert.Contains("--lr-img", _run.Errors);
        AssertOneLineWithoutStack();
    }

    [Fact]
    public void Help_is_no_error_and_goes_to_stdout()
    {
        Assert.Equal(0, _run.RunAsGiven(Interruption.Silent(), "distill", "--help"));
        foreach (Setting setting in Settings.All)
            Assert.Contains(setting.Name, _run.Output);
        Assert.Contains("INFMATCH_DATA", _run.Output);
        Assert.Contains("Examples:", _run.Output);
        Assert.Equal("", _run.Errors);
    }

    [Fact]
    public void An_unknown_data_set_is_a_usage_error_with_a_suggestion()
    {
        Assert.Equal((int)ExitCode.Usage, _run.Run("distill", "--dataset", "fashon-mnist", "--device", "reference"));
        Assert.Contains("Did you mean \"fashion-mnist\"?", _run.Errors);
        Assert.DoesNotContain("   at ", _run.Errors);
        Assert.Empty(Directory.GetFileSystemEntries(_run.Runs));
    }

    [Fact]
    public void A_folder_given_for_the_built_in_set_is_refused_by_every_command()
    {
        foreach (string command in (string[])["distill", "train", "evaluate"])
        {
            Assert.Equal(
                (int)ExitCode.Data, _run.Run(command, "--data", _run.Folder, "--device", "reference"));
            Assert.Contains("fashion-mnist-small is built in and is not read from a folder", _run.Errors);
        }
    }

    [Fact]
    public void More_images_than_a_class_has_is_a_data_error()
    {
        Assert.Equal((int)ExitCode.Data, _run.Run("distill", "--dataset", "tiny", "--ipc", "25"));
        Assert.Contains("class 0 (left) has too few images: got 24, expected 25", _run.Errors);
        Assert.Empty(Directory.GetFileSystemEntries(_run.Runs));
    }

    public static TheoryData<string> AbsentDevices()
    {
        string[] present = [.. GpuDevices.List().Select(d => d.Specification)];
        return [.. new[] { "cuda:0", "cuda:99", "opencl:0", "opencl:99" }.Except(present, StringComparer.Ordinal)];
    }

    [Theory, MemberData(nameof(AbsentDevices))]
    public void A_device_that_is_not_there_is_never_replaced(string device)
    {
        Assert.Equal((int)ExitCode.Device, _run.Run("distill", "--device", device));
        Assert.StartsWith($"distill: The device {device} was asked for", _run.Errors);
        AssertOneLineWithoutStack();
        Assert.False(Directory.Exists(_run.Runs));
    }

    [Fact]
    public void An_unwritable_place_is_found_before_any_work()
    {
        string file = Path.Combine(_run.Folder, "file");
        File.WriteAllText(file, "");
        int code = _run.RunAsGiven(Interruption.Silent(), "distill", "--dataset", "tiny", "--out", Path.Combine(file, "runs"));
        Assert.Equal((int)ExitCode.FileSystem, code);
        Assert.Contains("cannot write to", _run.Errors);
        Assert.Contains("--out", _run.Errors);
        Assert.DoesNotContain("Experts", _run.Errors);
    }

    [Fact]
    public void A_network_too_deep_for_the_images_is_a_usage_error()
    {
        Assert.Equal((int)ExitCode.Usage, _run.Run(SmallWith("--depth", "5")));
        Assert.Contains("--depth", _run.Errors);
    }

    [Fact]
    public void A_window_longer_than_the_trajectory_is_a_usage_error()
    {
        Assert.Equal((int)ExitCode.Usage, _run.Run(SmallWith("--window", "50")));
        Assert.Contains("--window", _run.Errors);
    }

    [Fact]
    public void Verbose_shows_the_stack()
    {
        Assert.Equal((int)ExitCode.Usage, _run.Run("resume", "nowhere", "--verbose"));
        Assert.Contains("   at ", _run.Errors);
    }

    [Fact]
    public void A_file_that_is_no_set_is_a_data_error()
    {
        string file = Path.Combine(_run.Folder, "set.safetensors");
        File.WriteAllText(file, "this is no safetensors file");
        Assert.Equal((int)ExitCode.Data, _run.Run("evaluate", file, "--device", "reference"));
        Assert.Contains(file, _run.Errors);
    }

    private static string[] SmallWith(string option, string value)
    {
        string[] args = CommandRun.SmallRun();
        args[Array.IndexOf(args, option) + 1] = value;
        return args;
    }

    private void AssertOneLineWithoutStack()
    {
        Assert.Single(_run.Errors.TrimEnd().Split('\n'));
        Assert.DoesNotContain("   at ", _run.Errors);
    }
}
