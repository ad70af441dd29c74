namespace InfMatch.Distill;

/// <summary>A part of a JSON file whose members are not properties of its type: each has a key and may be null.</summary>
internal interface IKeyedMembers
{
    /// <summary>The keys that there are.</summary>
    static abstract IReadOnlyList<string> Keys { get; }

    /// <summary>The type of every member.</summary>
    static abstract Type MemberType { get; }
}
