namespace InfMatch.Tensors;

/// <summary>
/// The one lifetime rule: every tensor made inside a scope goes back to the pool when the scope ends, except what was
/// kept. Scopes nest, each thread has its own, and a kept tensor belongs to the enclosing scope. Outside every scope a
/// tensor lives until it is disposed of or collected.
/// </summary>
/// <example>
/// <code>
/// Tensor sum = Tensor.Of(0, 0);
/// for (int step = 0; step &lt; 1000; step++)
/// {
///     using TensorScope scope = TensorScope.Begin();
///     Tensor next = sum.Plus(Tensor.Of(1, 2).Times(0.5)); // what is made on the way goes back to the pool
///     sum = scope.Replace(sum, next);                     // and the sum stays, in the memory of two vectors
/// }
/// </code>
/// </example>
public sealed class TensorScope : IDisposable
{
    [ThreadStatic]
    private static TensorScope? s_current;

    private readonly TensorScope? _parent;
    private readonly List<Storage> _storages = [];
    private bool _ended;

    private TensorScope(TensorScope? parent) => _parent = parent;

    /// <summary>Begins a scope on this thread; dispose of it to end it.</summary>
    public static TensorScope Begin() => s_current = new TensorScope(s_current);

    /// <summary>
    /// Leaves every open scope of this thread until disposed of: tensors made or kept meanwhile belong to the caller.
    /// For caches that outlive the scope in which they are filled.
    /// </summary>
    public static IDisposable BeginDetached()
    {
        var detached = new Detached(s_current);
        s_current = null;
        return detached;
    }

    /// <summary>Hands a tensor to the enclosing scope, or to the caller where there is none.</summary>
    public Tensor Keep(Tensor tensor)
    {
        Storage storage = tensor.Storage;
        if (storage.Scope == this)
        {
            storage.Scope = _parent;
            _parent?._storages.Add(storage);
        }
        return tensor;
    }

    /// <summary>Whether a tensor goes back to the pool when this scope ends.</summary>
    public bool Owns(Tensor tensor) => tensor.Storage.Scope == this;

    /// <summary>Keeps the next value of a running tensor and frees the old one: for a loop that has a scope for each
    /// step, so that its memory does not grow.</summary>
    /// <exception cref="InvalidOperationException">A tensor belongs to a scope inside this one, which would give it back
    /// all the same: that scope is the one to ask.</exception>
    public Tensor Replace(Tensor old, Tensor next)
    {
        RefuseInner(next);
        Keep(next);
        old.Dispose();
        return next;
    }

    private void RefuseInner(Tensor tensor)
    {
        for (TensorScope? inner = tensor.Storage.Scope?._parent; inner is not null; inner = inner._parent)
        {
            if (inner == this)
            {
                throw new InvalidOperationException(
                    $"The tensor {tensor.Description} was made in a scope inside this one and goes back to the pool when " +
                    "that ends. Call Replace on the inner scope, in which the tensor was made.");
            }
        }
    }

    /// <summary>Makes this scope the owner of a tensor that has none, such as one that another thread made.</summary>
    public Tensor Take(Tensor tensor)
    {
        if (tensor.Storage.Scope is null)
        {
            tensor.Storage.Scope = this;
            _storages.Add(tensor.Storage);
        }
        return tensor;
    }

    /// <summary>Runs f(0) … f(count − 1), which must be independent, in parallel if there are enough of them for the
    /// backend, and returns their results.</summary>
    /// <remarks>
    /// Enough is the backend's degree of parallelism where it runs fewer one after the other, each on all threads, else two.
    /// The bits are the same. A result must be a tensor that f made. Results belong to this scope; f's other tensors are freed.
    /// </remarks>
    /// <exception cref="InvalidOperationException">This is not the innermost scope of the calling thread.</exception>
    public Tensor[][] InParallel(Backend backend, int count, Func<int, Tensor[]> f)
    {
        if (s_current != this)
            throw new InvalidOperationException("Pieces of work belong to the innermost scope of the thread that begins them.");
        CapturedGraph.Refuse("Parallel work");
        var results = new Tensor[count][];
        int degree = backend.DegreeOfParallelism;
        if (degree == 1 || count < (backend.RunsFewInTurn ? degree : 2))
        {
            for (int i = 0; i < count; i++)
                Collect(i);
            return results;
        }
        try
        {
            backend.RunInParallel(count, Collect);
        }
        finally
        {
            foreach (Tensor result in results.SelectMany(r => r ?? []))
                Take(result);
        }
        return results;

        void Collect(int i)
        {
            using TensorScope own = Begin();
            results[i] = f(i);
            foreach (Tensor result in results[i])
                own.Keep(result); // nothing fails between two of these
        }
    }

    /// <summary>Gives everything that was made here and not kept back to the pool.</summary>
    /// <exception cref="InvalidOperationException">A scope that was begun later is still open, or another thread ends
    /// this one.</exception>
    public void Dispose()
    {
        if (_ended)
            return;
        if (s_current != this)
            throw new InvalidOperationException("Tensor scopes end in the reverse order of their beginning, on one thread.");
        _ended = true;
        s_current = _parent;
        foreach (Storage storage in _storages)
        {
            if (storage.Scope == this)
                storage.Release();
        }
    }

    internal static void Adopt(Storage storage)
    {
        if (s_current is not { } scope)
            return;
        storage.Scope = scope;
        scope._storages.Add(storage);
    }

    private sealed class Detached(TensorScope? left) : IDisposable
    {
        public void Dispose() => s_current = left;
    }
}
