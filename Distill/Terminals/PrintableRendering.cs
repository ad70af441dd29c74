using InfMatch.Tensors;
using Spectre.Console.Rendering;

namespace InfMatch.Distill;

/// <summary>The last look at what a console draws: the text of tables and bars is printable, whoever composed it; the
/// console's own control codes stay.</summary>
internal sealed class PrintableRendering : IRenderHook
{
    /// <inheritdoc/>
    public IEnumerable<IRenderable> Process(RenderOptions options, IEnumerable<IRenderable> renderables) =>
        renderables.Select(r => new Printable(r));

    private sealed class Printable(IRenderable inner) : IRenderable
    {
        public Measurement Measure(RenderOptions options, int maxWidth) => inner.Measure(options, maxWidth);

        public IEnumerable<Segment> Render(RenderOptions options, int maxWidth) => inner.Render(options, maxWidth)
            .Select(s => s.IsControlCode || s.IsLineBreak ? s : new Segment(PrintableText.Of(s.Text), s.Style));
    }
}
