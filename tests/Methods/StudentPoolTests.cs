using InfMatch.Methods;
using InfMatch.Nn;
using InfMatch.Tensors;
using InfMatch.Tensors.IO;

namespace InfMatch.Tests.Methods;

public sealed class StudentPoolTests
{
    private const int Size = 3, MostAge = 9;

    private static readonly Network s_network = new ConvNet(new Shape(1, 6, 6), 3, width: 2, depth: 1);

    private static readonly RandomKey s_key = RandomKey.FromSeed(3);

    private readonly Tensor _like = Tensor.Full(new ReferenceBackend(), DType.Float64, Shape.Scalar, 0);

    [Fact]
    public void Students_begin_at_ages_apart_and_make_one_step_of_adam_for_each_update_that_took_them()
    {
        using var pool = new StudentPool(s_network, new StudentPlan(Size, MostAge, 0.01));
        var seen = new Dictionary<int, (int Age, double[] Theta)>();
        int? due = null;
        for (ulong i = 0; i < 60; i++)
        {
            using var scope = TensorScope.Begin();
            RandomKey key = s_key.Split(i);
            int asked = 0;
            StudentDraw draw = pool.Draw(key, _like, theta =>
            {
                asked++;
                Assert.Equal(seen[due!.Value].Theta, theta.ToArray<double>());
                return Tensor.Full(theta.Backend, DType.Float64, theta.Shape, 1);
            });
            Assert.Equal(pool.IndexOf(key), draw.Index);
            if (due is { } last)
            {
                (int age, double[] theta) = seen[last];
                bool ended = age > MostAge;
                Assert.Equal(ended ? 0 : 1, asked);
                // Adam's steps along a gradient that stays the same are as long as the rate.
                seen[last] = ended ? (0, Fresh(key.Split("network").Split(1))) : (age + 1, [.. theta.Select(v => v - 0.01)]);
            }
            if (!seen.ContainsKey(draw.Index))
                seen[draw.Index] = (3 * draw.Index, Fresh(key.Split("network").Split(0)));
            Assert.Equal(seen[draw.Index].Age, draw.Student.Age);
            Assert.All(
                seen[draw.Index].Theta.Zip(draw.Student.Theta.ToArray<double>()), p => Assert.Equal(p.First, p.Second, 1e-8));
            seen[draw.Index] = (draw.Student.Age, draw.Student.Theta.ToArray<double>());
            due = draw.Index;
            draw.Commit(scope);
        }
        Assert.Equal(Size, seen.Count);
    }

    [Fact]
    public void A_draw_that_is_not_committed_changes_nothing()
    {
        using var pool = Grown();
        byte[] before = Bytes(pool);
        using (TensorScope.Begin())
            pool.Draw(s_key.Split(99), _like, theta => theta.ZerosLike());
        Assert.Equal(before, Bytes(pool));
    }

    [Fact]
    public void A_saved_pool_is_read_back_and_that_of_another_size_is_refused()
    {
        using var pool = Grown();
        using var same = new StudentPool(s_network, new StudentPlan(Size, MostAge, 0.01));
        ArraySet state = Safetensors.Read(new MemoryStream(Bytes(pool)));
        same.Restore(state, _like);
        Assert.Equal(Bytes(pool), Bytes(same));
        using var larger = new StudentPool(s_network, new StudentPlan(Size + 1, MostAge, 0.01));
        Assert.Contains(
            "is not the state of a pool of 4 students: 9 numbers are needed",
            Assert.Throws<ShapeException>(() => larger.Restore(state, _like)).Message, StringComparison.Ordinal);
        using var wider = new StudentPool(
            new ConvNet(new Shape(1, 6, 6), 3, width: 3, depth: 1), new StudentPlan(Size, MostAge, 0.01));
        Assert.Contains(
            "this run needs", Assert.Throws<ShapeException>(() => wider.Restore(state, _like)).Message, StringComparison.Ordinal);
    }

    private StudentPool Grown()
    {
        var pool = new StudentPool(s_network, new StudentPlan(Size, MostAge, 0.01));
        for (ulong i = 0; i < 5; i++)
        {
            using var scope = TensorScope.Begin();
            StudentDraw draw = pool.Draw(s_key.Split(i), _like, theta => theta.Times(0.5));
            draw.Commit(scope);
        }
        return pool;
    }

    private double[] Fresh(RandomKey key) => s_network.Initialise(_like.Backend, DType.Float64, key).ToArray<double>();

    private static byte[] Bytes(StudentPool pool)
    {
        var stream = new MemoryStream();
        Safetensors.Write(stream, pool.Save());
        return stream.ToArray();
    }
}
