// A gradient engine in four steps, each a file that can be read in a few minutes. The last is small enough to keep in
// mind and has the shape of InfMatch.Autograd: what it calls Value, Rule and Walk is there Variable, Op and Gradient.
using InfMatch.Autograd;
using InfMatch.Samples.MicroEngine;

const double X = 0.7;

// Step 1: a number that knows how it was made can be differentiated.
Console.WriteLine($"step 1: slope of x·sin x at {X}: {Step1.Slope(x => x * x.Sin(), X):F6}");

// Step 2: walked in the right order, every node is visited once. 60 additions x + x make 2⁶⁰ paths.
Console.WriteLine($"step 2: slope of 60 additions x + x: 2^{Math.Log2(Step2.Slope(Doubled, 1)):F0}");

// Step 3: a slope that is made of nodes itself can be differentiated again.
Console.WriteLine($"step 3: second slope of x·sin x at {X}: {Step3.Grad(Step3.Grad(x => x * x.Sin()))(new(X)).Number:F6}");

// Step 4: a function is an object with a forward pass and an adjoint, and numbers come in arrays.
Console.WriteLine($"step 4: Hessian of Σ x³ times v: {string.Join(", ", Step4.Hvp(x => (x * x * x).Sum(), [1, 2], [1, -1]))}");

// The same by the library.
Func<Variable, Variable> f = x => x * x.Sin();
Console.WriteLine($"library: {Differential.Grad(f)(X).Value.ToScalar():F6} and " +
    $"{Differential.Grad(Differential.Grad(f))(X).Value.ToScalar():F6}");

static Step2.Node Doubled(Step2.Node x)
{
    for (int i = 0; i < 60; i++)
        x += x;
    return x;
}
