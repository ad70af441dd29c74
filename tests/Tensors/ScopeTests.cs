using InfMatch.Tensors;

namespace InfMatch.Tests.Tensors;

public sealed class ScopeTests
{
    private static Tensor Make(Backend backend, int length = 1000) =>
        Tensor.Full(backend, DType.Float32, new Shape(length), 1);

    [Fact]
    public void Memory_stays_flat_over_a_thousand_steps()
    {
        var cpu = new CpuBackend(2);
        var g = new Conv2dGeometry(4, 3, 8, 8, new Conv2dFilter(8, 3, 3, 1, 1));
        Tensor x = Tensor.Full(cpu, DType.Float32, g.Input, 0.5), w = Tensor.Full(cpu, DType.Float32, g.Weight, 0.25);
        long inUse = 0, peak = 0;
        for (int step = 0; step < 1000; step++)
        {
            using (TensorScope scope = TensorScope.Begin())
            {
                Tensor y = cpu.Empty(g.Output, DType.Float32), dw = cpu.Empty(g.Weight, DType.Float32);
                cpu.Run(new Conv2dCall(g, x, w, null, y));
                cpu.Run(new Conv2dWeightGradientCall(g, x, y, dw));
                Tensor next = scope.Keep(cpu.Empty(g.Weight, DType.Float32));
                cpu.Run(new AxpyCall(-1e-6, dw, w, next));
                (w, Tensor old) = (next, w);
                old.Dispose();
            }
            if (step == 5)
                (inUse, peak) = (cpu.Memory.InUse, cpu.Memory.Peak);
        }
        Assert.Equal(inUse, cpu.Memory.InUse);
        Assert.Equal(peak, cpu.Memory.Peak);
        Assert.Equal(2, cpu.Memory.LiveBuffers);
        x.Dispose();
        w.Dispose();
        Assert.Equal(0, cpu.Memory.InUse);
    }

    [Fact]
    public void A_tensor_of_an_ended_scope_cannot_be_used()
    {
        CpuBackend cpu = new(1);
        Tensor x, view;
        using (TensorScope.Begin())
        {
            x = Make(cpu);
            view = x.View(10, new Shape(5));
        }
        Assert.Throws<ObjectDisposedException>(() => x.ToArray<float>());
        Assert.Throws<ObjectDisposedException>(() => cpu.Run(new AffineCall(view, 1, 0, view)));
        Assert.True(x.Storage.IsReleased);
        x.Dispose();
        Assert.Equal(0, cpu.Memory.LiveBuffers);
    }

    [Fact]
    public void A_kept_tensor_belongs_to_the_enclosing_scope()
    {
        CpuBackend cpu = new(1);
        Tensor kept;
        using (TensorScope outer = TensorScope.Begin())
        {
            using (TensorScope inner = TensorScope.Begin())
            {
                kept = inner.Keep(Make(cpu).Reshape(new Shape(10, 100)));
                Make(cpu);
            }
            Assert.Equal(1, cpu.Memory.LiveBuffers);
            Assert.Equal(1000, kept.ToArray<double>().Sum());
        }
        Assert.Throws<ObjectDisposedException>(() => kept.ToArray<float>());
        Assert.Equal(0, cpu.Memory.LiveBuffers);
    }

    // One and eight threads share the kernels, two take a piece each, and four would leave two idle.
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(4)]
    [InlineData(8)]
    public void Results_of_pieces_belong_to_the_scope_and_what_else_they_made_is_gone(int threads)
    {
        CpuBackend cpu = new(threads);
        int atOnce = 0, most = 0;
        using (TensorScope scope = TensorScope.Begin())
        {
            Tensor[][] results = scope.InParallel(cpu, 2, i =>
            {
                int now = Interlocked.Increment(ref atOnce);
                for (int seen = most; now > seen; seen = most)
                    Interlocked.CompareExchange(ref most, now, seen);
                if (threads == 2)
                    SpinWait.SpinUntil(() => Volatile.Read(ref most) == 2, TimeSpan.FromSeconds(20));
                Tensor made = Make(cpu), result = cpu.Empty(made.Shape, DType.Float32);
                cpu.Run(new AffineCall(made, i + 1, 0, result));
                Interlocked.Decrement(ref atOnce);
                return [result];
            });
            Assert.Equal(threads == 2 ? 2 : 1, most);
            Assert.Equal(2, cpu.Memory.LiveBuffers);
            Assert.Equal([1000, 2000], results.Select(r => r[0].ToArray<double>().Sum()));
        }
        Assert.Equal(0, cpu.Memory.LiveBuffers);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void A_piece_that_fails_costs_no_memory(int threads)
    {
        CpuBackend cpu = new(threads);
        using (TensorScope scope = TensorScope.Begin())
        {
            Assert.Throws<ArithmeticException>(() => scope.InParallel(cpu, 3, i =>
            {
                Tensor made = Make(cpu);
                return i == 1 ? throw new ArithmeticException("1") : [made];
            }));
        }
        Assert.Equal(0, cpu.Memory.LiveBuffers);
    }

    [Fact]
    public void Pieces_are_begun_in_the_innermost_scope()
    {
        CpuBackend cpu = new(2);
        using TensorScope outer = TensorScope.Begin(), inner = TensorScope.Begin();
        Assert.Throws<InvalidOperationException>(() => outer.InParallel(cpu, 2, _ => [Make(cpu)]));
    }

    [Fact]
    public void Scopes_end_in_reverse_order()
    {
        TensorScope outer = TensorScope.Begin(), inner = TensorScope.Begin();
        Assert.Contains(
            "reverse order", Assert.Throws<InvalidOperationException>(outer.Dispose).Message,
            StringComparison.Ordinal);
        inner.Dispose();
        outer.Dispose();
        outer.Dispose();
    }

    [Fact]
    public void A_view_is_a_window_on_the_same_numbers()
    {
        CpuBackend cpu = new(1);
        using TensorScope scope = TensorScope.Begin();
        double[] numbers = [.. Enumerable.Range(0, 100).Select(i => (double)i)];
        Tensor x = Tensor.From(cpu, DType.Float32, numbers, new Shape(10, 10));
        Tensor y = cpu.Empty(new Shape(5), DType.Float32);
        Tensor view = x.View(13, new Shape(7)).View(2, new Shape(5));
        cpu.Run(new AffineCall(view, 2, 1, y));
        Assert.Equal([31, 33, 35, 37, 39], y.ToArray<double>());
        cpu.Fill(view, -1);
        Assert.Equal(-5, x.ToArray<double>()[15..20].Sum());
        Assert.Contains(
            "leaves the tensor", Assert.Throws<ShapeException>(() => view.View(1, new Shape(5))).Message,
            StringComparison.Ordinal);
        Assert.Throws<ShapeException>(() => view.View(-1, new Shape(2)));
    }

    [Fact]
    public void Replace_on_a_scope_in_which_the_tensor_was_not_made_is_refused_at_once()
    {
        var backend = new CpuBackend(1);
        using TensorScope outer = TensorScope.Begin();
        Tensor old = Tensor.Full(backend, DType.Float64, new Shape(2), 1);
        using TensorScope inner = TensorScope.Begin();
        Tensor next = old.Times(2);
        var refused = Assert.Throws<InvalidOperationException>(() => outer.Replace(old, next));
        Assert.Contains("Call Replace on the inner scope", refused.Message, StringComparison.Ordinal);
        Assert.Same(next, inner.Replace(old, next));
    }
}
