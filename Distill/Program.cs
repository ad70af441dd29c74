using InfMatch.Distill;
using InfMatch.Tensors;

Kinds.Add(typeof(GpuBackend).Assembly);
var terminal = new Terminal(Console.Out, Console.Error, !Console.IsErrorRedirected, !Console.IsOutputRedirected);
try
{
    Plugins.Load(Environment.GetEnvironmentVariable(Plugins.Variable));
}
catch (DistillException e)
{
    terminal.SayLines(Failure.Describe("plugins", e, verbose: false));
    return (int)Failure.CodeOf(e);
}
using var interruption = Interruption.Listen();
return CommandTree.Run(args, terminal, interruption);
