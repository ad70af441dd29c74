namespace InfMatch.Methods;

/// <summary>What a method works with besides S; the program checks that it can be had before a run begins.</summary>
[Flags]
public enum MethodNeeds
{
    /// <summary>D alone.</summary>
    None = 0,

    /// <summary>Trajectories of networks that were trained on D.</summary>
    Trajectories = 1,

    /// <summary>Real images of each class by itself.</summary>
    RealClasses = 2,

    /// <summary>Features of networks: the embedding or the blocks.</summary>
    Features = 4,

    /// <summary>Networks of its own, fresh or in training on S.</summary>
    Networks = 8,
}
