using System.Text;
using System.Xml;
using System.Xml.Linq;
using InfMatch.Tensors;

namespace InfMatch.Distill;

/// <summary>
/// A page as a tree of elements, which is written as HTML that is well-formed XML as well. Text goes into the tree as
/// text and never as markup, so that what a file says, such as the name of a class, cannot become a part of the page.
/// </summary>
internal static class Html
{
    // What HTML closes by itself; all else needs an end tag, even if it is empty.
    private static readonly HashSet<string> s_void = new(StringComparer.Ordinal)
    {
        "br", "hr", "img", "input", "link", "meta",
    };

    /// <summary>An element of attributes, elements and texts; null is left out, and a sequence stands for what it
    /// holds.</summary>
    public static XElement Of(string name, params object?[] content)
    {
        var element = new XElement(name);
        Add(element, content);
        return element;
    }

    /// <summary>An attribute.</summary>
    public static XAttribute At(string name, string value) => new(name, PrintableText.Of(value));

    /// <summary>The attribute class.</summary>
    public static XAttribute Class(string names) => At("class", names);

    /// <summary>A paragraph.</summary>
    public static XElement Paragraph(params object?[] content) => Of("p", content);

    /// <summary>What a run did not record, or a page cannot show, and why.</summary>
    public static XElement Missing(string why) => Of("p", Class("missing"), why);

    /// <summary>A command or a path, to be copied.</summary>
    public static XElement Code(string text) => Of("code", text);

    /// <summary>A table with headings; the first cell of a row is its heading.</summary>
    public static XElement Table(string caption, IReadOnlyList<string> headings, IEnumerable<IReadOnlyList<object?>> rows) => Of(
        "div", Class("scroll"), At("tabindex", "0"), At("role", "group"), At("aria-label", caption),
        Of(
            "table", Of("caption", caption),
            Of("thead", Of("tr", headings.Select(heading => Of("th", At("scope", "col"), heading)))),
            Of("tbody", rows.Select(row => Of(
                "tr", row.Select((cell, i) => i == 0 ? Of("th", At("scope", "row"), cell) : Of("td", IsShort(cell) ? Class("short") : null, cell)))))));

    /// <summary>Text that HTML takes as it is, such as a script; it must not end its element.</summary>
    public static XElement Raw(string name, string text, params object?[] attributes)
    {
        XElement element = Of(name, attributes);
        // A comment of the script or the style for HTML, and for XML a part in which nothing is markup.
        element.Add(new XText("/*"), new XCData($"*/\n{text}\n/*"), new XText("*/"));
        return element;
    }

    /// <summary>The page as text.</summary>
    public static string Write(XElement root)
    {
        foreach (XElement element in root.DescendantsAndSelf())
        {
            if (element.IsEmpty && !s_void.Contains(element.Name.LocalName))
                element.Add("");
        }
        var text = new StringBuilder("<!DOCTYPE html>\n");
        using (var writer = XmlWriter.Create(
            text, new XmlWriterSettings { OmitXmlDeclaration = true, NewLineHandling = NewLineHandling.None }))
            root.Save(writer);
        return text.Append('\n').ToString();
    }

    // What stays on one line.
    private static bool IsShort(object? cell) => cell is string { Length: <= 22 };

    private static void Add(XElement element, object? part)
    {
        switch (part)
        {
            case null:
                break;
            case string text:
                element.Add(new XText(PrintableText.Of(text)));
                break;
            case XObject one:
                element.Add(one);
                break;
            case IEnumerable<object?> many:
                foreach (object? each in many)
                    Add(element, each);
                break;
            default:
                throw new ArgumentException($"{part.GetType().Name} is neither text nor an element.", nameof(part));
        }
    }
}
