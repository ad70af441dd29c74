using System.Reflection;
using System.Runtime.InteropServices;
using System.Runtime.Loader;
using ILGPU;

namespace InfMatch.Tensors;

/// <summary>
/// The drivers' libraries under the names that systems without development packages have. ILGPU asks for "OpenCL" and
/// "cuda", which .NET looks for as libOpenCL.so and libcuda.so; on Linux the runtime packages of a driver bring
/// libOpenCL.so.1 and libcuda.so.1 alone. Windows and macOS have one name for both.
/// </summary>
internal static class DriverLibraries
{
    // Where WSL keeps the drivers of Windows; the loader does not always look there.
    private const string WslFolder = "/usr/lib/wsl/lib";

    private static readonly string[] s_imported = ["OpenCL", "cuda"];

    private static int s_isResolved;

    /// <summary>Lets ILGPU find the libraries from now on; a second call changes nothing.</summary>
    // An event of the load context is asked last, and beside a resolver of the assembly, of which there can be only one:
    // ILGPU sets its own on WSL.
    public static void Resolve()
    {
        if (OperatingSystem.IsLinux() && Interlocked.Exchange(ref s_isResolved, 1) == 0)
            AssemblyLoadContext.GetLoadContext(typeof(Context).Assembly)!.ResolvingUnmanagedDll += Load;
    }

    /// <summary>What is tried for an imported name, in order, once .NET has found nothing; none for names that are no
    /// driver's.</summary>
    internal static string[] FilesOf(string imported) => s_imported.Contains(imported)
        ? [$"lib{imported}.so.1", $"{WslFolder}/lib{imported}.so.1"]
        : [];

    /// <summary>The library of CUDA's driver, for calls that ILGPU does not have; null where it is not there.</summary>
    public static nint? Cuda()
    {
        string[] files = OperatingSystem.IsWindows() ? ["nvcuda.dll"]
            : OperatingSystem.IsLinux() ? ["libcuda.so", .. FilesOf("cuda")]
            : [];
        foreach (string file in files)
        {
            if (NativeLibrary.TryLoad(file, out nint library))
                return library;
        }
        return null;
    }

    private static nint Load(Assembly assembly, string imported)
    {
        if (assembly != typeof(Context).Assembly)
            return 0;
        foreach (string file in FilesOf(imported))
        {
            if (NativeLibrary.TryLoad(file, out nint library))
                return library;
        }
        return 0;
    }
}
