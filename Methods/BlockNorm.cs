using InfMatch.Nn;
using InfMatch.Tensors;

namespace InfMatch.Methods;

/// <summary>
/// How displacements of θ are measured: the mean over a network's blocks of ‖v_b‖²/‖r_b‖², r a reference such as D's displacement
/// (MTT-VL, Wu et al., 2023, has their sum). As one vector the larger block would decide. For a network of one block all of it is
/// left to the caller, so that nothing is rounded twice.
/// </summary>
public sealed class BlockNorm
{
    private readonly IReadOnlyList<ParameterBlock> _blocks;
    private readonly double[] _factors;

    private BlockNorm(IReadOnlyList<ParameterBlock> blocks, double[] factors) => (_blocks, _factors) = (blocks, factors);

    /// <summary>⟨v, w⟩ of pairs of vectors [p], block by block; the device is waited for once.</summary>
    public static double[][] Dots(Network network, params ReadOnlySpan<(Tensor X, Tensor Y)> pairs)
    {
        IReadOnlyList<ParameterBlock> blocks = network.Blocks;
        if (blocks.Count == 1)
            return [.. TensorAlgebra.Dots(pairs).Select(dot => (double[])[dot])];
        var all = new List<(Tensor, Tensor)>();
        foreach ((Tensor x, Tensor y) in pairs)
            all.AddRange(blocks.Select(block => (Of(block, x), Of(block, y))));
        return [.. TensorAlgebra.Dots([.. all]).Chunk(blocks.Count)];
    }

    /// <summary>The norm by the squared lengths of a reference, block by block: 1 is the reference's own square.</summary>
    public static BlockNorm Relative(Network network, double[] squares) =>
        new(network.Blocks, [.. squares.Select(square => 1 / (square * squares.Length))]);

    /// <summary>The norm's ⟨v, w⟩ from those of the blocks.</summary>
    public double Dot(double[] dots) => dots.Select((dot, b) => _factors[b] * dot).Sum();

    /// <summary>The vector [p] whose plain product with w is the norm's ⟨v, w⟩; it belongs to the current scope.</summary>
    public Tensor Dual(Tensor v)
    {
        using var scope = TensorScope.Begin();
        Tensor whole = v.Backend.Empty(v.Shape, v.DType);
        v.Backend.Concat([.. _blocks.Select((block, b) => Of(block, v).Times(_factors[b]))], whole);
        return scope.Keep(whole);
    }

    private static Tensor Of(ParameterBlock block, Tensor v) => v.View(block.Offset, new Shape(block.Count));
}
