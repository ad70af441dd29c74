namespace InfMatch.Tests.Architecture;

/// <summary>
/// The folders of a project are storeys: what one uses uses it in no way back. The project's own folder counts as one:
/// it holds what the project is about, and the folders below it build on that (as the backends build on tensors), or it
/// builds on them.
/// </summary>
public sealed class FolderTests
{
    /// <summary>Projects, each with the folders that are one recursive idea with the project's own.</summary>
    [Theory]
    [InlineData("Tensors")]
    [InlineData("Tensors.Gpu")]
    // An operation is made of variables and carries its samples; variables are added by an operation.
    [InlineData("Autograd", "Ops Samples")]
    [InlineData("Nn")]
    [InlineData("Datasets")]
    [InlineData("Influence")]
    [InlineData("Methods")]
    [InlineData("Onnx")]
    [InlineData("Distill")]
    public void Folders_form_no_circle(string project, string? own = null)
    {
        FolderArrows arrows = Arrows(project, own);
        Assert.Empty(arrows.Unplaced);
        IReadOnlyList<string> circle = arrows.Circles();
        Assert.True(
            circle.Count == 0,
            $"{project}: these folders use each other in a circle. Move a type, or let the lower folder know a contract only.\n" +
            string.Join('\n', circle));
    }

    [Fact]
    public void Arrows_are_found_in_members_bodies_and_constants()
    {
        IReadOnlyDictionary<(string From, string To), List<string>> arrows = Arrows("Tensors", null).Arrows;
        Assert.Contains( // base type
            "CpuBackend uses HostBackend", arrows[("Kernels/Cpu", "Kernels/Host")], StringComparer.Ordinal);
        Assert.Contains( // body alone
            "WorkerPool uses CapturedGraph", arrows[("Kernels/Cpu", ".")], StringComparer.Ordinal);
        Assert.Contains( // constant alone
            "ScalarFunctionTests uses SharedBackends", OfTests().Arrows[("Tensors", "Autograd")], StringComparer.Ordinal);
        Assert.DoesNotContain(arrows.Keys, arrow => arrow.From == arrow.To);
    }

    // The declaration below stands behind an attribute on one line, where it is not found.
    [Fact]
    public void A_type_that_stands_in_no_folder_is_named() =>
        Assert.Contains(nameof(BehindAnAttribute), OfTests().Unplaced, StringComparer.Ordinal);

    [Fact]
    public void A_circle_is_found_over_any_number_of_folders() => Assert.Equal(
        [("a", "b"), ("b", "c"), ("c", "a")],
        FolderArrows.OnCircles([("a", "b"), ("b", "c"), ("c", "a"), ("a", "d"), ("d", "e"), ("f", "a")]));

    private static FolderArrows OfTests() =>
        new("tests", Path.Combine(AppContext.BaseDirectory, "InfMatch.Tests.dll"));

    private static FolderArrows Arrows(string project, string? own) =>
        new(project, Path.Combine(AppContext.BaseDirectory, $"InfMatch.{project}.dll"), own);
}

[System.ComponentModel.Description("declared where the scan does not look")] internal sealed class BehindAnAttribute;
