using InfMatch.Tensors;

namespace InfMatch.Tests.Tensors;

public sealed class DivisorTests
{
    [Fact]
    public void Quotients_are_those_of_the_division()
    {
        int[] values = [1, 2, 3, 4, 5, 7, 9, 16, 25, 28, 1023, 1024, 1025, 65537, (1 << 30) - 1, 1 << 30, int.MaxValue];
        var random = new TestNumbers(3);
        foreach (int value in values)
        {
            var by = new Divisor(value);
            foreach (long near in new[] { 0, value, 2L * value, int.MaxValue / value * (long)value, int.MaxValue })
            {
                for (long n = near - 2; n <= near + 2; n++)
                {
                    if (n is >= 0 and <= int.MaxValue)
                        Assert.Equal((int)n / value, by.Quotient((int)n));
                }
            }
            for (int i = 0; i < 1000; i++)
            {
                int n = (int)random.Uniform(0, int.MaxValue);
                Assert.Equal(n / value, by.Quotient(n));
            }
        }
    }
}
