using InfMatch.Nn;
using InfMatch.Tensors;
using InfMatch.Tensors.IO;

namespace InfMatch.Methods;

/// <summary>A network that a method keeps from one update of S to the next, and for which update; part of its saved state.</summary>
/// <param name="run">The run whose network it is.</param>
internal sealed class HeldNetwork(MethodContext run) : IDisposable
{
    private const string ThetaName = "theta", NextName = "next";

    /// <summary>θ [p]; null where the next update begins with a fresh one.</summary>
    public Tensor? Theta { get; private set; }

    /// <summary>The update that it is for.</summary>
    public int Next { get; private set; }

    /// <summary>Replaces it; a θ that is given belongs to this from here on.</summary>
    public void Hold(Tensor? theta, int next)
    {
        Theta?.Dispose();
        (Theta, Next) = (theta, next);
    }

    /// <summary>θ of the update before, or a fresh one; and whether S was updated on it, so that it is to be trained now. An update
    /// that is jumped to, as a dry run of memory does, finds none of the one before and takes a fresh one in its place.</summary>
    public (Tensor Theta, bool IsFresh) At(int iteration, Tensor like, RandomKey key) => Next == iteration && Theta is { } held
        ? (held, false)
        : (run.Network.Initialise(like.Backend, like.DType, key.Split("network")), Next == iteration || iteration == 0);

    /// <summary>The state, to be saved.</summary>
    public IEnumerable<NamedArray> Save()
    {
        yield return NamedArray.From(NextName, [1], (int[])[Next]);
        if (Theta is { } theta)
        {
            yield return theta.DType == DType.Float32
                ? NamedArray.From(ThetaName, theta.Shape.Sizes, theta.ToArray<float>())
                : NamedArray.From(ThetaName, theta.Shape.Sizes, theta.ToArray<double>());
        }
    }

    /// <summary>Continues from a saved state.</summary>
    /// <exception cref="ShapeException">It is of another network.</exception>
    /// <exception cref="KeyNotFoundException">The state has none.</exception>
    public void Restore(ArraySet state)
    {
        int next = state[NextName].AsInt32()[0];
        Hold(state.TryGet(ThetaName, out NamedArray? saved) ? From(saved) : null, next);
    }

    /// <inheritdoc/>
    public void Dispose() => Hold(null, 0);

    private Tensor From(NamedArray saved)
    {
        var expected = new Shape(run.Network.Layout.Count);
        if (new Shape(saved.Dimensions) != expected)
        {
            throw new ShapeException(
                $"The saved array '{ThetaName}' has the shape {new Shape(saved.Dimensions)}, this run needs {expected}.");
        }
        Tensor like = run.Real.Train.Images;
        using IDisposable _ = TensorScope.BeginDetached();
        return like.DType == DType.Float32
            ? Tensor.From(like.Backend, saved.AsFloat32(), expected)
            : Tensor.From(like.Backend, saved.AsFloat64(), expected);
    }
}
