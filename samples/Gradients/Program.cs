// A gradient is a function, so it has a gradient. Shown for one number, and for a function of many.
using InfMatch.Autograd;
using InfMatch.Tensors;

// One number: x·sin x, its slope and its curvature. A number becomes a Variable by itself.
Func<Variable, Variable> f = x => x * x.Sin();
Func<Variable, Variable> slope = Differential.Grad(f);
Func<Variable, Variable> curvature = Differential.Grad(slope);
Console.WriteLine($"f(2)   = {f(2.0).Value}");
Console.WriteLine($"f'(2)  = {slope(2.0).Value}");
Console.WriteLine($"f''(2) = {curvature(2.0).Value}");
Console.WriteLine($"2·cos 2 − 2·sin 2 = {2 * Math.Cos(2) - 2 * Math.Sin(2)}");

// Many numbers: Rosenbrock's valley (1 − a)² + 100·(b − a²)², of which p = (a, b) is one vector.
static Variable Valley(Variable p)
{
    Variable a = p.Slice(0, ..1), b = p.Slice(0, 1..);
    return ((1 - a).Pow(2) + 100 * (b - a * a).Pow(2)).Sum();
}

Tensor at = Tensor.Of(-1.2, 1);
Console.WriteLine($"gradient           {Differential.GradientAt(Valley, at)}");

// The Hessian times a vector needs no Hessian: it is the gradient of ⟨gradient, v⟩. Two of them are two columns.
Console.WriteLine($"Hessian, column 0  {Differential.Hvp(Valley, at, Tensor.Of(1, 0))}");
Console.WriteLine($"Hessian, column 1  {Differential.Hvp(Valley, at, Tensor.Of(0, 1))}");

// The same by hand: createGraph records the gradient, so that it can be differentiated like any other variable.
Variable leaf = Variable.Leaf(at);
Variable gradient = Gradient.Of(Valley(leaf), leaf, createGraph: true);
Variable product = Gradient.Of(gradient, leaf, cotangent: Variable.Of(1, 0));
Console.WriteLine($"by hand            {product.Value}");
