using InfMatch.Autograd;
using InfMatch.Tensors;

namespace InfMatch.Methods;

/// <summary>How clearly labels name one class.</summary>
public static class LabelMargin
{
    // Beyond all differences of labels.
    private const double Far = 1e4;

    /// <summary>The mean over the rows of labels [N, M] of min(largest − second largest, most), a scalar; differentiable
    /// once.</summary>
    public static Variable Mean(Variable labels, double most)
    {
        Variable largest = labels.Max(1);
        // One of the largest of each row: the place that has the derivative.
        Variable places = Place(labels.Value);
        Variable second = (labels - Far * places).Max(1);
        return (largest - second).Minimum(most).Mean();
    }

    private static Variable Place(Tensor labels)
    {
        using IDisposable on = Recording.On();
        var own = Variable.Leaf(labels);
        return Variable.Constant(Gradient.Of(own.Max(1).Sum(), own).Value);
    }
}
