using System.CommandLine;
using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using InfMatch.Tensors;

namespace InfMatch.Benchmarks;

/// <summary>'device': what a device does with single kernels and steps.</summary>
internal sealed class DeviceCommand
{
    private const string Help =
        """
        Measures a device:
          first      the first kernel and the first training step, with all that is compiled for them
          ceilings   a copy within the device, copies from and to the host, large matrix products
          kernels    each kernel of a training step, beside the least time that its work and bytes take at these ceilings
          steps      a training step: time, the host's part, the share in which the device is busy, launches, bytes, memory
          resources  registers, memory and groups of each compiled kernel, as the driver tells them
        On CUDA the device's own clock times kernels, elsewhere the host's.

        Example: dotnet run --project benchmarks -- device --device cuda:0 --case 128x256 --save device.json
        """;

    private readonly Option<string> _device = new("--device")
    {
        Description = "auto, cpu, cuda:0, opencl:0 … [auto]", DefaultValueFactory = _ => "auto",
    };

    private readonly Option<string[]> _parts = new("--part")
    {
        Description = "What is measured [all]", AllowMultipleArgumentsPerToken = true,
        DefaultValueFactory = _ => [.. DeviceMeasurements.Parts],
    };

    private readonly Option<string[]> _cases = new("--case")
    {
        Description = "Width of the ConvNet x images of a batch [128x256 128x100 32x10]", AllowMultipleArgumentsPerToken = true,
        DefaultValueFactory = _ => ["128x256", "128x100", "32x10"],
    };

    private readonly Option<int> _size = SizeOptions.Whole("--size", "Height and width of an image [32]", 32);
    private readonly Option<int> _copy = SizeOptions.Whole("--copy-mib", "Mebibytes of the copy [1024]", 1024);

    private readonly Option<int[]> _sgemm = new("--sgemm")
    {
        Description = "Sides of the matrices [4096 8192]", AllowMultipleArgumentsPerToken = true, DefaultValueFactory = _ => [4096, 8192],
    };

    private readonly Option<double> _seconds = new("--seconds")
    {
        Description = "About how long one number takes [0.1]", DefaultValueFactory = _ => 0.1,
    };

    private readonly Option<string?> _save = new("--save") { Description = "Write the JSON object to this file as well." };

    private readonly Option<bool> _json = SizeOptions.MakeJson();

    /// <summary>The command.</summary>
    public Command Make()
    {
        _parts.AcceptOnlyFromAmong([.. DeviceMeasurements.Parts]);
        _cases.Validators.Add(result =>
        {
            foreach (string text in result.Tokens.Select(t => t.Value).Where(t => Parse(t) is null))
                result.AddError($"--case is {text}; expected two whole numbers from 1, as 128x256.");
        });
        var command = new Command("device", Help) { _device, _parts, _cases, _size, _copy, _sgemm, _seconds, _save, _json };
        command.SetAction(Run);
        return command;
    }

    private static (int Width, int Batch)? Parse(string text) => text.Split('x') is [var w, var b]
        && int.TryParse(w, CultureInfo.InvariantCulture, out int width) && int.TryParse(b, CultureInfo.InvariantCulture, out int batch)
        && width > 0 && batch > 0 ? (width, batch) : null;

    private int Run(ParseResult result)
    {
        try
        {
            ConvNetSizes[] cases =
            [
                .. result.GetValue(_cases)!.Select(text => Parse(text)!.Value).Select(c =>
                    new ConvNetSizes(c.Width, 3, result.GetValue(_size), 3, 10) { Batch = c.Batch, Syn = c.Batch, Sgemm = 1 }),
            ];
            OpenedDevice opened = Devices.Open(result.GetValue(_device)!);
            using var backend = opened.Backend as IDisposable;
            var options = new DeviceMeasurementOptions(
                result.GetValue(_seconds), result.GetValue(_copy), result.GetValue(_sgemm)!);
            JsonObject found = new DeviceMeasurements(opened.Backend, cases, options).Run(result.GetValue(_parts)!);
            if (result.GetValue(_save) is { } saved)
                File.WriteAllText(saved, found.ToJsonString() + "\n");
            Console.Out.Write(result.GetValue(_json) ? found.ToJsonString() + "\n" : Table(found));
            return 0;
        }
        catch (Exception e) when (e is TensorException or IOException)
        {
            Console.Error.WriteLine($"device: {e.Message}");
            return e switch { DeviceException => 4, DeviceMemoryException => 5, IOException => 7, _ => 2 };
        }
    }

    // Objects as lines of name and value, lists of objects as tables.
    private static string Table(JsonObject root)
    {
        var text = new StringBuilder();
        foreach ((string name, JsonNode? value) in root)
        {
            switch (value)
            {
                case JsonObject entries:
                    text.Append(name).Append(": ").AppendJoin(", ", entries.Select(e => $"{e.Key} {Text(e.Value)}")).Append('\n');
                    break;
                case JsonArray groups when groups.Count > 0 && groups[0]!["rows"] is JsonArray:
                    foreach (JsonNode? group in groups)
                    {
                        text.Append(CultureInfo.InvariantCulture, $"{name}, width {group!["width"]}, batch {group["batch"]}\n");
                        Rows(text, group["rows"]!.AsArray());
                    }
                    break;
                case JsonArray rows:
                    text.Append(CultureInfo.InvariantCulture, $"{name}\n");
                    Rows(text, rows);
                    break;
                default:
                    text.Append(CultureInfo.InvariantCulture, $"{name}: {Text(value)}\n");
                    break;
            }
        }
        return text.ToString();
    }

    private static void Rows(StringBuilder text, JsonArray rows)
    {
        if (rows.Count == 0)
            return;
        string[] columns = [.. rows[0]!.AsObject().Select(e => e.Key)];
        string[][] cells = [columns, .. rows.Select(r => columns.Select(c => Text(r![c])).ToArray())];
        int[] widths = [.. columns.Select((_, i) => cells.Max(row => row[i].Length))];
        foreach (string[] row in cells)
        {
            text.Append("  ").AppendJoin(
                "  ", row.Select((cell, i) => i == 0 ? cell.PadRight(widths[0]) : cell.PadLeft(widths[i]))).Append('\n');
        }
    }

    private static string Text(JsonNode? value) => value?.ToString() ?? "-";
}
