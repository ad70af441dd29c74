using System.CommandLine;
using InfMatch.Benchmarks;
using InfMatch.Tensors;

Kinds.Add(typeof(GpuBackend).Assembly);
return new RootCommand("Benchmarks of InfMatch.Native.")
{
    new ConvNetCommand().Make(),
#if KERNELS
    KernelsCommand.Make(),
#endif
    RatiosCommand.Make(), new ScalingCommand().Make(), new DeviceCommand().Make(), PtxCommand.Make(), ResultsCommand.Make(), ProjectsCommand.Make(),
}.Parse(args).Invoke();
