using InfMatch.Distill;
using InfMatch.Methods;
using InfMatch.Tensors;

Kinds.Add(typeof(GpuBackend).Assembly);
using var interruption = Interruption.Listen();
RankGroup ranks = RankGroup.Alone;
string part = "plugins";
try
{
    Plugins.Load(Environment.GetEnvironmentVariable(Plugins.Variable));
    part = "ranks";
    if (Launcher.Find(Environment.GetEnvironmentVariable) is { } launcher && CommandTree.TakesRanks(args))
        ranks = RankGroup.Join(launcher, args, interruption.Token);
}
catch (OtherRankException e) // rank 0 says it for all
{
    return e.Code;
}
catch (Exception e) when (e is DistillException or OperationCanceledException)
{
    RankGroup.PlainTerminal().SayLines(Failure.Describe(part, e, verbose: false));
    return (int)Failure.CodeOf(e);
}
return CommandTree.Run(args, ranks.MakeTerminal(), interruption, ranks: ranks);
