using InfMatch.Methods;

namespace InfMatch.Distill;

/// <summary>The settings with which the authors of a method ran it: a preset of the method's name, and what --method stands for where no
/// preset is named.</summary>
/// <param name="method">The method.</param>
internal sealed class PublishedSettings(DistillationMethod method) : StartingValues
{
    /// <inheritdoc/>
    public override string Name => method.Name;

    /// <inheritdoc/>
    public override string? Base => Presets.Usual;

    /// <inheritdoc/>
    public override string Help => $"The published settings of {method.Help}.";

    /// <inheritdoc/>
    public override IReadOnlyList<(string Property, string Text)> Values { get; } = [(nameof(RunSettings.Method), method.Name)];

    /// <inheritdoc/>
    public override IReadOnlyList<(string Property, string Text)> ValuesAt(PublishedCase at) => method.Published(at);
}
