using System.Runtime.InteropServices;
using System.Text;

namespace InfMatch.Distill;

/// <summary>
/// The few calls of MPI that a distillation needs, of OpenMPI or of MPICH and what is derived from it. Handles are addresses of
/// exported structures in the one and numbers in the other; a register carries both. Source: the MPI standard, version 3.1.
/// </summary>
internal sealed unsafe class MpiLibrary
{
    private const int ThreadsSerialized = 2, Now = 2, Global = 0x100, LongestText = 8192;

    // Of MPICH's mpi.h, and the same in all that are binary compatible with it.
    private const nint MpichWorld = 0x44000000, MpichByte = 0x4c00010d;

    // As Debian, its users' own builds, Intel MPI and Cray name them.
    private static readonly string[] s_openMpi = ["libmpi.so.40", "libmpi.so"];
    private static readonly string[] s_mpich = ["libmpich.so.12", "libmpi.so.12", "libmpich.so"];

    private readonly nint _handle, _world, _byte;

    private MpiLibrary(string file, nint handle)
    {
        (File, _handle) = (file, handle);
        bool isOpen = NativeLibrary.TryGetExport(handle, "ompi_mpi_comm_world", out nint world);
        (_world, _byte) = isOpen ? (world, NativeLibrary.GetExport(handle, "ompi_mpi_byte")) : (MpichWorld, MpichByte);
        Name = isOpen ? "OpenMPI" : "MPICH";
    }

    /// <summary>The file that it was loaded from.</summary>
    public string File { get; }

    /// <summary>Whose it is.</summary>
    public string Name { get; }

    /// <summary>How many processes MPI has joined; 1 where it knows of no other.</summary>
    public int Size => Ask("MPI_Comm_size");

    /// <summary>Which of them this is.</summary>
    public int Rank => Ask("MPI_Comm_rank");

    /// <summary>The library that a variable of the environment names, or the one that goes with the launcher.</summary>
    /// <exception cref="DistillException">None can be loaded.</exception>
    public static MpiLibrary Load(Launcher launcher, string? named)
    {
        string[] files = named is { Length: > 0 } ? [named]
            : launcher.IsMpich == true ? [.. s_mpich, .. s_openMpi]
            : [.. s_openMpi, .. s_mpich];
        foreach (string file in files)
        {
            if (OperatingSystem.IsLinux())
                OpenGlobally(file);
            if (NativeLibrary.TryLoad(file, out nint handle) && NativeLibrary.TryGetExport(handle, "MPI_Init_thread", out _))
                return new MpiLibrary(file, handle);
        }
        throw new DistillException(
            ExitCode.Usage, "IM2051",
            $"{launcher.Name} started {launcher.Size} processes, and none of the MPI libraries {string.Join(", ", files)} can be " +
            "loaded. Each process would make the whole run by itself. Install libopenmpi3 or libmpich12, name the library with " +
            $"{Launcher.LibraryVariable}=/path/to/libmpi.so, or give {Launcher.LibraryVariable}={Launcher.None} where the processes " +
            "are to work alone.");
    }

    /// <summary>Joins the other processes.</summary>
    public void Init()
    {
        int provided;
        var init = (delegate* unmanaged<int*, byte***, int, int*, int>)Export("MPI_Init_thread");
        Require("MPI_Init_thread", init(null, null, ThreadsSerialized, &provided));
    }

    /// <summary>Leaves the others in order; all of them must.</summary>
    public void Complete() => Require("MPI_Finalize", ((delegate* unmanaged<int>)Export("MPI_Finalize"))());

    /// <summary>Ends all processes with an exit code, wherever they are.</summary>
    public void Abort(int code) => ((delegate* unmanaged<nint, int, int>)Export("MPI_Abort"))(_world, code);

    /// <summary>Begins to gather a number of every rank into memory that must stay in place meanwhile.</summary>
    /// <returns>What <see cref="IsDone"/> asks for.</returns>
    public nint BeginGather(long* own, long* all)
    {
        nint request = 0;
        var gather = (delegate* unmanaged<void*, int, nint, void*, int, nint, nint, nint*, int>)Export("MPI_Iallgather");
        Require("MPI_Iallgather", gather(own, sizeof(long), _byte, all, sizeof(long), _byte, _world, &request));
        return request;
    }

    /// <summary>Whether that has ended.</summary>
    public bool IsDone(ref nint request)
    {
        int flag = 0;
        byte* status = stackalloc byte[256]; // no library's is as long
        fixed (nint* at = &request)
            Require("MPI_Test", ((delegate* unmanaged<nint*, int*, void*, int>)Export("MPI_Test"))(at, &flag, status));
        return flag != 0;
    }

    /// <summary>Gathers bytes of every rank, as many of each as is said.</summary>
    public void Gather(ReadOnlySpan<byte> own, Span<byte> all, ReadOnlySpan<int> counts, ReadOnlySpan<int> places)
    {
        var gather = (delegate* unmanaged<void*, int, nint, void*, int*, int*, nint, nint, int>)Export("MPI_Allgatherv");
        fixed (byte* send = own, receive = all)
        fixed (int* count = counts, place = places)
            Require("MPI_Allgatherv", gather(send, own.Length, _byte, receive, count, place, _byte, _world));
    }

    // The plugins of OpenMPI look for its symbols among those of the process.
    private static void OpenGlobally(string file)
    {
        foreach (string holder in (string[])["libc.so.6", "libdl.so.2"])
        {
            if (!NativeLibrary.TryLoad(holder, out nint system) || !NativeLibrary.TryGetExport(system, "dlopen", out nint open))
                continue;
            fixed (byte* name = Encoding.UTF8.GetBytes(file + '\0'))
                ((delegate* unmanaged<byte*, int, nint>)open)(name, Now | Global);
            return;
        }
    }

    private int Ask(string call)
    {
        int value;
        Require(call, ((delegate* unmanaged<nint, int*, int>)Export(call))(_world, &value));
        return value;
    }

    private nint Export(string name) => NativeLibrary.GetExport(_handle, name);

    // MPI ends the processes itself at most errors; what it returns is told as it says it.
    private void Require(string call, int code)
    {
        if (code == 0)
            return;
        byte* text = stackalloc byte[LongestText];
        int length = 0;
        int known = ((delegate* unmanaged<int, byte*, int*, int>)Export("MPI_Error_string"))(code, text, &length);
        string what = known == 0 ? Encoding.UTF8.GetString(text, length) : "no description";
        throw new DistillException(
            ExitCode.Device, "IM4003",
            $"{call} of {Name} ({File}) failed with code {code}: {what}. Look for what the other ranks say, and resume the run.");
    }
}
