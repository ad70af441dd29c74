using System.Collections.Immutable;
using InfMatch.Autograd;
using InfMatch.Influence;
using InfMatch.Tensors;

namespace InfMatch.Methods;

/// <summary>A training on S, step by step.</summary>
/// <param name="Rule">How a step moves θ.</param>
/// <param name="Steps">N.</param>
/// <param name="RatesAt">The numbers of each step, counted from 0 where the walk begins.</param>
public sealed record WalkPlan(StepRule Rule, int Steps, Func<int, StepRates> RatesAt)
{
    /// <summary>A training whose steps all have the same numbers.</summary>
    public WalkPlan(StepRule rule, int steps, StepRates rates)
        : this(rule, steps, _ => rates)
    {
    }

    /// <summary>The number under which the loss of the first step is drawn (<see cref="SyntheticLoss.OfStep"/>).</summary>
    public int FirstDraw { get; init; }

    /// <summary>Whether the derivative in the rate is wanted; some rules then keep the gradients.</summary>
    public bool RateIsLearned { get; init; }

    /// <summary>The walk from a state, with all that its adjoint reads: a state a step, and the gradients where the rule asks for
    /// them. It belongs to the current scope; where θ stops being finite, so does its end.</summary>
    /// <param name="start">Where it begins; it stays the caller's.</param>
    /// <param name="lossAt">The loss of each step, by <see cref="FirstDraw"/> plus its number.</param>
    public Walk From(WalkState start, Func<int, ParameterLoss> lossAt) =>
        From(start, (t, theta) => (Differential.GradientAt(lossAt(t), theta), null));

    /// <summary>The walk on S from a state.</summary>
    /// <param name="start">Where it begins; it stays the caller's.</param>
    /// <param name="s">S.</param>
    /// <param name="loss">The loss, of which each step takes its own (<see cref="SyntheticLoss.OfStep"/>).</param>
    /// <param name="products">What its adjoint will compute with. Where they read gradients, each step keeps its own, of θ and of
    /// S.</param>
    public Walk From(WalkState start, SyntheticSet s, SyntheticLoss loss, SecondOrderProducts products) => products.ReadsGradients
        ? From(start, (t, theta) => SyntheticProducts.Gradients(theta, loss.OfStep(t), s))
        : From(start, t => loss.OfStep(t).Of(s));

    private Walk From(WalkState start, Func<int, Tensor, (Tensor Gradient, SyntheticGradient? InSet)> gradientsAt)
    {
        ImmutableArray<WalkStep>.Builder steps = ImmutableArray.CreateBuilder<WalkStep>(Steps);
        WalkState at = start;
        for (int i = 0; i < Steps; i++)
        {
            using var scope = TensorScope.Begin();
            StepRates rates = RatesAt(i);
            (Tensor gradient, SyntheticGradient? inSet) = gradientsAt(FirstDraw + i, at.Theta);
            WalkState next = Kept(scope, Rule.Next(at, gradient, rates));
            bool keeps = inSet is not null || Rule.ReadsGradient(rates, RateIsLearned);
            if (keeps)
                scope.Keep(gradient);
            steps.Add(new WalkStep(at, next, keeps ? gradient : null, rates) { InSet = inSet?.KeepIn(scope) });
            at = next;
        }
        return new Walk(this, start, steps.MoveToImmutable());
    }

    /// <summary>The state after all steps, of which none is remembered; it belongs to the current scope.</summary>
    public WalkState End(WalkState start, Func<int, ParameterLoss> lossAt)
    {
        WalkState at = start;
        for (int i = 0; i < Steps; i++)
        {
            using var scope = TensorScope.Begin();
            Tensor gradient = Differential.GradientAt(lossAt(FirstDraw + i), at.Theta);
            WalkState next = Kept(scope, Rule.Next(at, gradient, RatesAt(i)));
            if (i > 0)
                Free(at);
            at = next;
        }
        return at;
    }

    /// <summary>The state after all steps on S, of which none is remembered.</summary>
    public WalkState End(WalkState start, SyntheticSet s, SyntheticLoss loss) => End(start, t => loss.OfStep(t).Of(s));

    private static WalkState Kept(TensorScope scope, WalkState state)
    {
        scope.Keep(state.Theta);
        foreach (Tensor memory in state.Memory)
            scope.Keep(memory);
        return state;
    }

    private static void Free(WalkState state)
    {
        state.Theta.Dispose();
        foreach (Tensor memory in state.Memory)
            memory.Dispose();
    }
}

/// <summary>What an end of a walk depends on.</summary>
/// <param name="Set">The derivative in S.</param>
/// <param name="Rate">The derivative in a rate that is added to that of every step; NaN where it was not asked for.</param>
/// <param name="Start">The derivative in the state at the start.</param>
public sealed record WalkGradient(SyntheticGradient Set, double Rate, WalkCotangent Start);

/// <summary>
/// A training on S that was done, with its adjoint (Maclaurin et al., ICML 2015, with the path kept; docs/theory.md, "Training on
/// S"). Backwards a step costs one <see cref="SyntheticProducts.HessianAndMixed"/>: dS += M_S(θ; b), λ_θ += H_S b.
/// </summary>
/// <param name="plan">How it was done.</param>
/// <param name="start">Where it began.</param>
/// <param name="steps">Its steps.</param>
public sealed class Walk(WalkPlan plan, WalkState start, ImmutableArray<WalkStep> steps)
{
    /// <summary>The state at its end.</summary>
    public WalkState End => steps.IsEmpty ? start : steps[^1].After;

    /// <summary>The adjoint on the S with the loss of the walk.</summary>
    /// <param name="products">How second derivatives are computed.</param>
    /// <param name="s">S.</param>
    /// <param name="loss">The loss of the walk.</param>
    /// <param name="u">The cotangent of θ at the end, [p].</param>
    public WalkGradient Pullback(SecondOrderProducts products, SyntheticSet s, SyntheticLoss loss, Tensor u)
    {
        SyntheticGradient sum = SyntheticGradient.ZerosLike(s);
        var cotangent = new WalkCotangent(u.Clone(), []);
        // A wait for the device in each step would leave it idle: the sums are read once.
        Tensor? rates = plan.RateIsLearned && !steps.IsEmpty ? Zeros(u.Backend) : null;
        double rate = 0;
        var factors = new double[steps.Length];
        for (int i = steps.Length - 1; i >= 0; i--)
        {
            using var scope = TensorScope.Begin();
            StepPullback back = plan.Rule.Pullback(steps[i], cotangent);
            (Tensor hessian, SyntheticGradient mixed) = products.HessianAndMixed(
                steps[i].Before.Theta, loss.OfStep(plan.FirstDraw + i), s, back.Direction,
                steps[i] is { Gradient: { } gradient, InSet: { } inSet } ? (gradient, inSet) : null);
            sum = sum.ReplacedBy(sum.Plus(back.Factor, mixed), scope);
            if (rates is not null && back.Rate is { } of)
            {
                factors[i] = of.Factor;
                u.Backend.Run(new DotCall(of.X, of.Y, rates.View(i, Shape.Scalar)));
            }
            cotangent = Replaced(
                scope, cotangent,
                back.Before with { Theta = TensorAlgebra.Axpy(back.Factor, hessian, back.Before.Theta) });
        }
        if (rates is not null)
            rate = rates.ToArray<double>().Zip(factors, (dot, factor) => dot * factor).Sum();
        return new WalkGradient(sum, plan.RateIsLearned ? rate : double.NaN, cotangent);
    }

    private Tensor Zeros(Backend on) => Tensor.Full(on, DType.Float64, new Shape(steps.Length), 0);

    private static WalkCotangent Replaced(TensorScope scope, WalkCotangent old, WalkCotangent next)
    {
        scope.Keep(next.Theta);
        foreach (Tensor memory in next.Memory)
            scope.Keep(memory);
        old.Theta.Dispose();
        foreach (Tensor memory in old.Memory.Except(next.Memory))
            memory.Dispose();
        return next;
    }
}
