using ILGPU;
using ILGPU.Runtime;

namespace InfMatch.Tensors;

internal sealed partial class GpuKernels<T, N, X>
    : IKernel<AvgPool2dCall>, IKernel<AvgPool2dGradientCall>, IKernel<MaxPool2dCall>, IKernel<MaxPool2dGradientCall>,
        IKernel<NormReluPoolCall>, IKernel<NormReluPoolGradientCall>, IKernel<NormReluPoolSecondCall>, IKernel<AffineSampleCall>,
        IKernel<AffineSampleGradientCall>
{
    private static PlaneSizes<T> SizesOf(Pool2dGeometry g, double epsilon = 0) => new()
    {
        Planes = g.N * g.C, C = g.C, H = g.H, W = g.W, Window = g.Window, OutH = g.OutH, OutW = g.OutW, Epsilon = T.CreateTruncating(epsilon),
        Share = T.One / T.CreateTruncating(g.Window * g.Window), ByH = By(g.H), ByW = By(g.W), ByWindow = By(g.Window), ByOutH = By(g.OutH),
        ByOutW = By(g.OutW),
    };

    // A size of 0 leaves nothing to divide.
    private static Divisor By(int size) => new(Math.Max(1, size));

    public void Run(AvgPool2dCall call)
    {
        int count = call.Y.Count;
        if (count == 0)
            return;
        launcher.Launch(
            Groups(count), Threads, PlaneKernels.AvgPool<T>, View(call.X), View(call.Y), SizesOf(call.Geometry));
    }

    public void Run(AvgPool2dGradientCall call)
    {
        int count = call.Dx.Count;
        if (count == 0)
            return;
        launcher.Launch(
            Groups(count), Threads, PlaneKernels.AvgPoolGradient<T>, View(call.Dy), View(call.Dx), SizesOf(call.Geometry));
    }

    public void Run(MaxPool2dCall call)
    {
        int count = call.Y.Count;
        if (count == 0)
            return;
        launcher.Launch(
            Groups(count), Threads, PlaneKernels.MaxPool<T>, View(call.X), View(call.V), View(call.Y),
            SizesOf(call.Geometry));
    }

    public void Run(MaxPool2dGradientCall call)
    {
        int count = call.Dx.Count;
        if (count == 0)
            return;
        launcher.Launch(
            Groups(count), Threads, PlaneKernels.MaxPoolGradient<T>, View(call.X), View(call.Dy), View(call.Dx),
            SizesOf(call.Geometry));
    }

    public void Run(NormReluPoolCall call)
    {
        if (call.Y.Count == 0)
            return;
        Pool2dGeometry g = call.Of.Geometry;
        int threads = ThreadsFor(g.H * g.W);
        Action<ArrayView<T>, ArrayView<T>, ArrayView<T>, ArrayView<T>, PlaneSizes<T>> kernel = PlaneKernels.NormReluPool<T, N>;
        if (HasWindowForEachThread(g))
        {
            threads = ThreadsFor(g.OutH * g.OutW);
            kernel = backend.HasWarps
                ? WindowKernels.NormReluPool<T, N, ShuffledSums>
                : WindowKernels.NormReluPool<T, N, TreeSums>;
        }
        launcher.Launch(
            g.N * g.C, threads, kernel, View(call.Of.X), View(call.Of.Gamma), View(call.Of.Beta), View(call.Y),
            SizesOf(g, call.Of.Epsilon));
    }

    private static bool HasWindowForEachThread(Pool2dGeometry g) =>
        g.Window == 2 && g.H % 2 == 0 && g.W % 2 == 0 && g.OutH * g.OutW <= Threads;

    public void Run(NormReluPoolGradientCall call)
    {
        Pool2dGeometry g = call.At.Geometry;
        int planes = g.N * g.C;
        using var shares = new GpuScratch<T>(memory, 2 * planes);
        ArrayView<T> x = View(call.At.X);
        if (call.At.X.Count > 0)
        {
            int threads = HasWindowForEachThread(g) ? ThreadsFor(g.OutH * g.OutW) : ThreadsFor(g.H * g.W);
            launcher.Launch(
                planes, threads, GradientOf(g), x, View(call.At.Gamma), View(call.At.Beta), View(call.Dy), View(call.Dx, x),
                shares.View.SubView(0, planes), shares.View.SubView(planes, planes), SizesOf(g, call.At.Epsilon),
                call.Dx is null ? 0 : 1);
        }
        if (g.C > 0 && (call.DGamma is not null || call.DBeta is not null))
        {
            var wanted = new WantedSums { Gamma = call.DGamma is null ? 0 : 1, Beta = call.DBeta is null ? 0 : 1 };
            launcher.Launch(
                g.C, ThreadsFor(g.N), PlaneKernels.SumOfPlanes<T, X>, shares.View, View(call.DGamma, x),
                View(call.DBeta, x), g.C, g.N, wanted);
        }
    }

    private Action<ArrayView<T>, ArrayView<T>, ArrayView<T>, ArrayView<T>, ArrayView<T>, ArrayView<T>, ArrayView<T>, PlaneSizes<T>, int>
        GradientOf(Pool2dGeometry g) =>
        !HasWindowForEachThread(g) ? PlaneKernels.NormReluPoolGradient<T, N>
        : backend.HasWarps ? WindowKernels.NormReluPoolGradient<T, N, ShuffledSums>
        : WindowKernels.NormReluPoolGradient<T, N, TreeSums>;

    public void Run(NormReluPoolSecondCall call)
    {
        Pool2dGeometry g = call.At.Geometry;
        int planes = g.N * g.C;
        using var shares = new GpuScratch<T>(memory, 2 * planes);
        ArrayView<T> x = View(call.At.X);
        if (call.At.X.Count > 0)
        {
            var at = new SecondInputs<T>
            {
                X = x, Gamma = View(call.At.Gamma), Beta = View(call.At.Beta), Dy = View(call.Dy), U = View(call.Of.U),
                OfGamma = View(call.Of.Gamma), OfBeta = View(call.Of.Beta),
            };
            var wanted = new WantedSecond { X = call.OfX is null ? 0 : 1, Dy = call.OfDy is null ? 0 : 1 };
            launcher.Launch(
                planes, ThreadsFor(g.H * g.W), PlaneKernels.NormReluPoolSecond<T, N>, at, View(call.OfX, x), shares.View,
                View(call.OfDy, x), SizesOf(g, call.At.Epsilon), wanted);
        }
        if (g.C > 0 && call.OfGamma is not null)
        {
            launcher.Launch(
                g.C, ThreadsFor(g.N), PlaneKernels.SumOfPlanes<T, X>, shares.View, View(call.OfGamma, x), x, g.C, g.N,
                new WantedSums { Gamma = 1 });
        }
    }

    private static ImageSizes<T> SizesOf(Shape images) => new()
    {
        Count = images.Count, C = images[1], H = images[2], W = images[3],
        CentreX = T.CreateTruncating((images[3] - 1) / 2.0), CentreY = T.CreateTruncating((images[2] - 1) / 2.0),
    };

    public void Run(AffineSampleCall call)
    {
        int count = call.Y.Count;
        if (count == 0)
            return;
        launcher.Launch(
            Groups(count), Threads, DeviceRowKernels.AffineSample<T, N>, View(call.X), View(call.Transforms), View(call.Y),
            SizesOf(call.Y.Shape));
    }

    public void Run(AffineSampleGradientCall call)
    {
        int count = call.Dx.Count;
        if (count == 0)
            return;
        launcher.Launch(
            Groups(count), Threads, DeviceRowKernels.AffineSampleGradient<T, N>, View(call.Dy), View(call.Transforms),
            View(call.Dx), SizesOf(call.Dx.Shape));
    }
}
