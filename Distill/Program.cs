using InfMatch.Distill;

var terminal = new Terminal(Console.Out, Console.Error, !Console.IsErrorRedirected, !Console.IsOutputRedirected);
using var interruption = Interruption.Listen();
return CommandTree.Run(args, terminal, interruption);
