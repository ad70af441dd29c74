using InfMatch.Tensors;

namespace InfMatch.Tests.Tensors;

/// <summary>What is found by enumeration, and what is refused.</summary>
public sealed class KindsTests
{
    private interface IGood : IKind;

    private interface ITwice : IKind;

    private interface IUnmade : IKind;

    [Fact]
    public void Kinds_are_found_by_name_and_made_once()
    {
        Assert.Equal(["a", "b"], Kinds.Names<IGood>());
        Assert.IsType<A>(Kinds.Find<IGood>("a"));
        Assert.Same(Kinds.Find<IGood>("b"), Kinds.Find<IGood>("b"));
        Assert.Null(Kinds.Find<IGood>("A"));
    }

    [Fact]
    public void Two_of_one_name_are_refused()
    {
        string message = Assert.Throws<InvalidOperationException>(() => Kinds.Of<ITwice>()).Message;
        Assert.Contains("'same'", message, StringComparison.Ordinal);
        Assert.Contains($"{typeof(First).FullName} and {typeof(Second).FullName}", message, StringComparison.Ordinal);
        Assert.Equal(message, Assert.Throws<InvalidOperationException>(() => Kinds.Check(typeof(ITwice))).Message);
    }

    [Fact]
    public void One_without_a_constructor_without_parameters_is_refused() => Assert.StartsWith(
        typeof(Unmade).FullName, Assert.Throws<InvalidOperationException>(() => Kinds.Of<IUnmade>()).Message, StringComparison.Ordinal);

    [Fact]
    public void An_assembly_that_comes_after_the_first_use_is_refused()
    {
        Kinds.Of<IGood>();
        Assert.Contains("comes too late", Assert.Throws<InvalidOperationException>(() => Kinds.Add(typeof(object).Assembly)).Message,
            StringComparison.Ordinal);
    }

    private abstract class Abstract : IGood
    {
        public abstract string Name { get; }
    }

    private sealed class B : Abstract
    {
        public override string Name => "b";
    }

    private sealed class A : Abstract
    {
        public override string Name => "a";
    }

    private sealed class First : ITwice
    {
        public string Name => "same";
    }

    private sealed class Second : ITwice
    {
        public string Name => "same";
    }

    private sealed class Unmade(string name) : IUnmade
    {
        public string Name => name;
    }
}
