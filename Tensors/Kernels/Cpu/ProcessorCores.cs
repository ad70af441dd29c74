namespace InfMatch.Tensors;

/// <summary>The cores of this machine.</summary>
internal static class ProcessorCores
{
    private const string Linux = "/sys/devices/system/cpu";

    /// <summary>Cores that this process may use: threads that share one count once where the system tells which do, else
    /// each counts.</summary>
    public static int Count { get; } = Math.Clamp(Find(Linux) ?? int.MaxValue, 1, Environment.ProcessorCount);

    /// <summary>Cores by the files of Linux in a folder; null where they are not there.</summary>
    internal static int? Find(string folder)
    {
        try
        {
            var cores = new HashSet<string>(StringComparer.Ordinal);
            foreach (string processor in Directory.Exists(folder) ? Directory.EnumerateDirectories(folder, "cpu*") : [])
            {
                string siblings = Path.Combine(processor, "topology", "thread_siblings_list");
                if (File.Exists(siblings))
                    cores.Add(File.ReadAllText(siblings).Trim());
            }
            return cores.Count > 0 ? cores.Count : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
