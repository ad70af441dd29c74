using InfMatch.Distill;

using var interruption = Interruption.Listen();
return CommandTree.Run(args, new Terminal(Console.Out, Console.Error, !Console.IsErrorRedirected), interruption);
