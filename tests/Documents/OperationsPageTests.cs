using InfMatch.Tests.Architecture;
using InfMatch.Tests.Autograd;

namespace InfMatch.Tests.Documents;

/// <summary>docs/operations.md shows the operations that there are.</summary>
public sealed class OperationsPageTests
{
    [Fact]
    public void Every_operation_has_its_formula_and_its_adjoint_beside_it() => Assert.Empty(
        AllOperations.Types.Where(op => OperationsPage.Of(op) is not { Forward.Length: > 0, Adjoint.Length: > 0 })
            .Select(op => $"{op.FullName} has no [Formula(\"y = …\", \"x̄ = …\")]."));

    [Fact]
    public void The_page_is_what_the_operations_say()
    {
        string path = Path.Combine(Repository.Root, OperationsPage.Path), text = OperationsPage.Text();
        if (Environment.GetEnvironmentVariable("INFMATCH_WRITE_DOCUMENTS") == "1")
            File.WriteAllText(path, text);
        Assert.True(
            File.Exists(path) && File.ReadAllText(path).ReplaceLineEndings("\n") == text,
            $"{OperationsPage.Path} is stale. Its head has the command that writes it anew.");
    }
}
