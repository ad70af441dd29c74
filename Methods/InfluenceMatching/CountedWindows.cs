using InfMatch.Tensors;
using InfMatch.Tensors.IO;

namespace InfMatch.Methods;

/// <summary>The windows whose a_D is counted among the images that a set costs. Each set counts it once, whoever computed it and when:
/// so a set costs the same alone, behind others, and where it is continued. An update uses the a_D of all classes that are matched,
/// so a window stands for all of them.</summary>
/// <param name="backend">Where images are counted.</param>
/// <param name="starts">For each expert the checkpoints at which a window may begin.</param>
internal sealed class CountedWindows(Backend backend, IReadOnlyList<int[]> starts)
{
    private const string Name = "counted_windows";

    private readonly SortedSet<(int Expert, int First)> _places = [];

    /// <summary>None, as for a set that begins.</summary>
    public void Clear() => _places.Clear();

    /// <summary>Counts the images of the a_D of a window, unless this set has done so.</summary>
    public void Add(Window window, long images)
    {
        if (_places.Add((window.Expert, window.First)))
            backend.CountImages(images);
    }

    /// <summary>The state, to be saved: expert and first checkpoint of each window; empty where there is none.</summary>
    public IReadOnlyList<NamedArray> Save() => _places.Count == 0
        ? []
        : [NamedArray.From(Name, [_places.Count, 2], _places.SelectMany(at => (int[])[at.Expert, at.First]).ToArray())];

    /// <summary>Continues from a saved state; one of an earlier version has none.</summary>
    /// <exception cref="ShapeException">It is of other experts or windows.</exception>
    public void Restore(ArraySet state)
    {
        (int Expert, int First)[] places = state.TryGet(Name, out NamedArray? array) ? PlacesIn(array) : [];
        _places.Clear();
        _places.UnionWith(places);
    }

    private (int Expert, int First)[] PlacesIn(NamedArray array)
    {
        if (array is not { Element: ArrayElement.Int32, Dimensions: [_, 2] })
            throw new ShapeException($"The saved array is {array}, this run needs '{Name}', Int32 [windows, 2].");
        (int Expert, int First)[] places = [.. array.AsInt32().ToArray().Chunk(2).Select(pair => (pair[0], pair[1]))];
        foreach ((int expert, int first) in places)
        {
            if (expert < 0 || expert >= starts.Count || !starts[expert].Contains(first))
                throw new ShapeException($"The saved array '{Name}' has a window of expert {expert} at checkpoint {first}, where none begins.");
        }
        return places;
    }
}
