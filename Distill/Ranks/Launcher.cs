using System.Globalization;

namespace InfMatch.Distill;

/// <summary>What started this process as one of several, as it tells in the environment.</summary>
/// <param name="Name">Its name, for messages.</param>
/// <param name="Size">How many processes it says it started.</param>
/// <param name="IsMpich">Whether its processes are joined by MPICH, or what is derived from it, rather than by OpenMPI; null where
/// either may be.</param>
internal sealed record Launcher(string Name, int Size, bool? IsMpich)
{
    /// <summary>The variable that names the MPI library, or says that this process works alone.</summary>
    public const string LibraryVariable = "INFMATCH_MPI";

    /// <summary>The value of <see cref="LibraryVariable"/> by which it works alone.</summary>
    public const string None = "none";

    /// <summary>The launcher of several processes; null where there is none, or it started one alone.</summary>
    /// <param name="variable">The value of a variable of the environment, or null.</param>
    public static Launcher? Find(Func<string, string?> variable)
    {
        if (variable(LibraryVariable) == None)
            return null;
        Launcher? found = Of("mpirun of OpenMPI", "OMPI_COMM_WORLD_SIZE", isMpich: false)
            ?? Of("mpiexec of MPICH", "PMI_SIZE", isMpich: true)
            // srun --mpi=pmix; without --mpi it starts as many processes that know nothing of each other.
            ?? Of("srun", "SLURM_STEP_NUM_TASKS", isMpich: null);
        return found is { Size: > 1 } ? found : null;

        Launcher? Of(string name, string size, bool? isMpich) =>
            int.TryParse(variable(size), NumberStyles.None, CultureInfo.InvariantCulture, out int count) && count > 0
                ? new Launcher(name, count, isMpich)
                : null;
    }
}
