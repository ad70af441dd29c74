namespace InfMatch.Methods;

/// <summary>What a method works with besides S. Whether trajectories will hold what is asked of them is checked before a run begins;
/// the rest can always be had and is stated for readers.</summary>
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

    /// <summary>Images that come with texts and not with classes.</summary>
    Pairs = 16,
}
