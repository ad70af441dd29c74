using System.Globalization;
using InfMatch.Nn;
using InfMatch.Tensors;
using InfMatch.Tensors.IO;

namespace InfMatch.Methods;

/// <summary>A network in training on S.</summary>
/// <param name="Theta">θ [p].</param>
/// <param name="Means">What Adam remembers.</param>
/// <param name="Steps">The steps that it made.</param>
/// <param name="Age">What its end is reckoned by: the steps, and what it was given at first.</param>
public sealed record Student(Tensor Theta, AdamMeans Means, int Steps, int Age)
{
    internal Tensor[] Tensors => [Theta, Means.First, Means.Second];
}

/// <summary>How students are kept.</summary>
/// <param name="Size">How many.</param>
/// <param name="MostAge">A student that is older makes room for a fresh one instead of its next step.</param>
/// <param name="Rate">Of Adam, with which they train.</param>
public sealed record StudentPlan(int Size, int MostAge, double Rate);

/// <summary>What an update of S finds in the pool.</summary>
/// <param name="Index">Which student.</param>
/// <param name="Student">The student.</param>
/// <param name="Commit">Makes the pool what it is for the next update.</param>
public sealed record StudentDraw(int Index, Student Student, Action<TensorScope> Commit);

/// <summary>
/// A pool of networks in training on S (Zhou, Nezhadarya and Ba, "FRePo", NeurIPS 2022): an update of S takes one of them at
/// random, and before the next update that one makes a step on the S that it helped to make. All start as fresh networks, but
/// student i is reckoned to be i·⌊MostAge/Size⌋ old, so that they end at different times. What happens follows from the keys of
/// the updates; nothing changes before a draw is committed.
/// </summary>
/// <param name="network">Their architecture.</param>
/// <param name="plan">How they are kept.</param>
public sealed class StudentPool(Network network, StudentPlan plan) : IDisposable
{
    /// <summary>Vectors [p] that a student is: θ and Adam's two means.</summary>
    public const int VectorsOfStudent = 3;

    private const int None = -1;

    // A student is made when it is drawn for the first time; the last one drawn is due for its step.
    private readonly Student?[] _students = new Student?[plan.Size];
    private int _last = None;

    /// <summary>Which student the update of a key takes.</summary>
    public int IndexOf(RandomKey key) => key.Split("student").Below(plan.Size, 0);

    /// <summary>The student of an update.</summary>
    /// <param name="key">The update's key.</param>
    /// <param name="like">A tensor of S: its number type and backend.</param>
    /// <param name="gradientAt">The gradient [p] of the students' loss on S at θ; it is asked for at most once.</param>
    public StudentDraw Draw(RandomKey key, Tensor like, Func<Tensor, Tensor> gradientAt)
    {
        (int due, int index) = (_last, IndexOf(key));
        Student? advanced = due == None ? null : Advanced(_students[due]!, key, gradientAt);
        Student student = index == due ? advanced!
            : _students[index] ?? Fresh(like, key.Split("network").Split(0), plan.MostAge / plan.Size * index);
        return new StudentDraw(index, student, scope =>
        {
            if (advanced is not null)
                Put(due, advanced, scope);
            if (_students[index] is null)
                Put(index, student, scope);
            _last = index;
        });
    }

    private Student Fresh(Tensor like, RandomKey key, int age)
    {
        Tensor theta = network.Initialise(like.Backend, like.DType, key);
        return new Student(theta, new AdamMeans(theta.ZerosLike(), theta.ZerosLike()), 0, age);
    }

    private Student Advanced(Student student, RandomKey key, Func<Tensor, Tensor> gradientAt)
    {
        if (student.Age > plan.MostAge)
            return Fresh(student.Theta, key.Split("network").Split(1), 0);
        using var scope = TensorScope.Begin();
        (Tensor theta, AdamMeans means) = AdamW.Step(
            student.Theta, student.Means, gradientAt(student.Theta), student.Steps, plan.Rate, weightDecay: 0);
        var next = new Student(theta, means, student.Steps + 1, student.Age + 1);
        foreach (Tensor tensor in next.Tensors)
            scope.Keep(tensor);
        return next;
    }

    private void Put(int index, Student student, TensorScope scope)
    {
        Free(index);
        foreach (Tensor tensor in student.Tensors)
            scope.Keep(tensor);
        _students[index] = student;
    }

    private void Free(int index)
    {
        foreach (Tensor tensor in _students[index]?.Tensors ?? [])
            tensor.Dispose();
        _students[index] = null;
    }

    /// <summary>Forgets all students.</summary>
    public void Clear()
    {
        for (int i = 0; i < _students.Length; i++)
            Free(i);
        _last = None;
    }

    /// <inheritdoc/>
    public void Dispose() => Clear();

    /// <summary>Which student is due, steps and age of each, −1 for one that was not drawn yet; then the tensors of the
    /// others.</summary>
    public IReadOnlyList<NamedArray> Save()
    {
        int[] numbers = [_last, .. _students.SelectMany(s => (int[])[s?.Steps ?? None, s?.Age ?? None])];
        return
        [
            NamedArray.From(Students, [numbers.Length], numbers),
            .. _students.SelectMany((student, i) =>
                (student?.Tensors ?? []).Select((tensor, k) => SavedTensors.Save(NameOf(i, k), tensor))),
        ];
    }

    /// <summary>Continues from a saved state.</summary>
    /// <param name="state">What <see cref="Save"/> gave.</param>
    /// <param name="like">A tensor of S or D: number type and backend.</param>
    /// <exception cref="ShapeException">The state is of another pool.</exception>
    /// <exception cref="KeyNotFoundException">The state lacks a student.</exception>
    public void Restore(ArraySet state, Tensor like)
    {
        int[] numbers = [.. state[Students].AsInt32()];
        if (numbers.Length != 1 + 2 * plan.Size || numbers[0] < None || numbers[0] >= plan.Size
            || (numbers[0] != None && numbers[1 + 2 * numbers[0]] == None))
        {
            throw new ShapeException(
                $"The saved array '{Students}' [{string.Join(", ", numbers.Take(8))}{(numbers.Length > 8 ? ", …" : "")}] is not " +
                $"the state of a pool of {plan.Size} students: {1 + 2 * plan.Size} numbers are needed, the first of them the " +
                "place of a student that was drawn.");
        }
        using IDisposable _ = TensorScope.BeginDetached();
        using var scope = TensorScope.Begin();
        Student?[] read = [.. Enumerable.Range(0, plan.Size).Select(i => numbers[1 + 2 * i] == None ? null : ReadStudent(i))];
        Clear(); // nothing is changed before all has been read
        for (int i = 0; i < read.Length; i++)
        {
            if (read[i] is { } student)
                Put(i, student, scope);
        }
        _last = numbers[0];

        Student ReadStudent(int i)
        {
            Tensor At(int k) => SavedTensors.Read(
                state[NameOf(i, k)], like.Backend, like.DType, new Shape(network.Layout.Count));
            return new Student(At(0), new AdamMeans(At(1), At(2)), numbers[1 + 2 * i], numbers[2 + 2 * i]);
        }
    }

    private const string Students = "students";

    private static string NameOf(int student, int tensor) => string.Create(
        CultureInfo.InvariantCulture, $"student{student}.{(tensor == 0 ? "theta" : tensor == 1 ? "first_moment" : "second_moment")}");
}
