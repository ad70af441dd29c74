using System.Numerics;
using System.Reflection;
using ILGPU;
using ILGPU.Backends.OpenCL;
using ILGPU.Backends.PTX;
using ILGPU.IR;
using ILGPU.IR.Intrinsics;

namespace InfMatch.Tensors;

/// <summary>
/// What ILGPU 1.5.3 has no instruction for: here each is registered for CUDA and OpenCL by its public intrinsics. The
/// simulator runs the methods as they stand.
/// </summary>
internal static class DeviceIntrinsics
{
    /// <summary>a·b + c with one rounding, on every device: no compiler decides whether the two are fused. As on the
    /// processor, <see cref="IFloatingPointIeee754{T}.FusedMultiplyAdd"/>.</summary>
    [IntrinsicImplementation]
    public static T MultiplyAdd<T>(T a, T b, T c) where T : unmanaged, IFloatingPointIeee754<T> =>
        T.FusedMultiplyAdd(a, b, c);

    /// <summary>x, computed here: ILGPU moves arithmetic to where its result is used, even into a loop that does not
    /// change it, but no call.</summary>
    [IntrinsicImplementation]
    public static T Here<T>(T x) where T : unmanaged => x;

    /// <summary>Makes both known to a context.</summary>
    public static void Register(Context.Builder builder)
    {
        IntrinsicImplementationManager manager = builder.GetIntrinsicManager();
        Add(nameof(MultiplyAdd), nameof(MultiplyAddAsPtx), nameof(MultiplyAddAsOpenCl));
        Add(nameof(Here), nameof(HereAsPtx), nameof(HereAsOpenCl));

        void Add(string method, string ptx, string openCl)
        {
            MethodInfo definition = typeof(DeviceIntrinsics).GetMethod(method)!;
            manager.RegisterMethod(definition, new PTXIntrinsic(Code(ptx), IntrinsicImplementationMode.GenerateCode));
            manager.RegisterMethod(definition, new CLIntrinsic(Code(openCl), IntrinsicImplementationMode.GenerateCode));
        }
    }

    private static MethodInfo Code(string name) =>
        typeof(DeviceIntrinsics).GetMethod(name, BindingFlags.NonPublic | BindingFlags.Static)!;

    private static void MultiplyAddAsPtx(PTXBackend backend, PTXCodeGenerator code, Value call)
    {
        PTXRegisterAllocator.PrimitiveRegister a = code.LoadPrimitive(call[0]), b = code.LoadPrimitive(call[1]);
        PTXRegisterAllocator.PrimitiveRegister c = code.LoadPrimitive(call[2]);
        PTXRegisterAllocator.HardwareRegister result = code.AllocateHardware(call);
        using PTXCodeGenerator.CommandEmitter command = code.BeginCommand(
            call.BasicValueType == BasicValueType.Float64 ? "fma.rn.f64" : "fma.rn.f32");
        command.AppendArgument(result);
        command.AppendArgument(a);
        command.AppendArgument(b);
        command.AppendArgument(c);
    }

    private static void MultiplyAddAsOpenCl(CLBackend backend, CLCodeGenerator code, Value call)
    {
        CLVariableAllocator.Variable a = code.Load(call[0]), b = code.Load(call[1]), c = code.Load(call[2]);
        using CLCodeGenerator.StatementEmitter statement = code.BeginStatement(code.Allocate(call));
        statement.AppendCommand("fma");
        statement.BeginArguments();
        statement.AppendArgument(a);
        statement.AppendArgument(b);
        statement.AppendArgument(c);
        statement.EndArguments();
    }

    private static void HereAsPtx(PTXBackend backend, PTXCodeGenerator code, Value call)
    {
        PTXRegisterAllocator.PrimitiveRegister x = code.LoadPrimitive(call[0]);
        PTXRegisterAllocator.HardwareRegister result = code.AllocateHardware(call);
        using PTXCodeGenerator.CommandEmitter command = code.BeginMove();
        command.AppendRegisterMovementSuffix(call.BasicValueType);
        command.AppendArgument(result);
        command.AppendArgument(x);
    }

    private static void HereAsOpenCl(CLBackend backend, CLCodeGenerator code, Value call)
    {
        CLVariableAllocator.Variable x = code.Load(call[0]);
        using CLCodeGenerator.StatementEmitter statement = code.BeginStatement(code.Allocate(call));
        statement.Append(x);
    }
}
