using System.Collections.Immutable;
using System.Reflection.Emit;
using System.Reflection.Metadata;
using System.Reflection.Metadata.Ecma335;
using System.Reflection.PortableExecutable;
using System.Text.RegularExpressions;

namespace InfMatch.Tests.Architecture;

/// <summary>
/// Which folder of a project uses which, as the compiled assembly says: base types, members, bodies of methods,
/// attributes. A type belongs to the folder of the file that declares it; the project's own folder is ".". The compiler
/// writes constants out, so a use of a constant alone is looked for in the text.
/// </summary>
internal sealed partial class FolderArrows
{
    private readonly MetadataReader _reader;
    private readonly PEReader _image;
    private readonly Dictionary<string, string> _folders;
    private readonly SortedDictionary<(string From, string To), List<string>> _arrows = [];

    /// <summary>The arrows of a project, by its folder in the repository and its assembly; a folder that is one idea with the
    /// project's own counts as that.</summary>
    public FolderArrows(string project, string assembly, string? own = null)
    {
        IReadOnlyList<(string Path, string Text)> files =
            [.. Repository.Sources.Where(f => f.Path.StartsWith($"{project}/", StringComparison.Ordinal))];
        _folders = FoldersOfTypes(project, files, own);
        using var image = new PEReader(File.OpenRead(assembly));
        (_image, _reader) = (image, image.GetMetadataReader());
        Unplaced =
        [
            .. _reader.TypeDefinitions
                .Where(handle => _reader.GetString(_reader.GetTypeDefinition(handle).Namespace)
                    .StartsWith("InfMatch", StringComparison.Ordinal))
                .Select(NameOf).Where(name => !_folders.ContainsKey(name)),
        ];
        foreach (TypeDefinitionHandle handle in _reader.TypeDefinitions)
        {
            var used = new HashSet<TypeDefinitionHandle>();
            CollectUses(_reader.GetTypeDefinition(handle), used);
            foreach (TypeDefinitionHandle target in used)
                Add(NameOf(handle), NameOf(target));
        }
        AddConstants(files);
    }

    /// <summary>Types of the assembly whose declaration was found in no file, so that their uses make no arrows; those that the
    /// compiler makes and top-level programs, which nothing uses, have no namespace of ours and are left out.</summary>
    public IReadOnlyList<string> Unplaced { get; }

    /// <summary>The arrows, each with a few uses that make it.</summary>
    public IReadOnlyDictionary<(string From, string To), List<string>> Arrows => _arrows;

    /// <summary>The arrows that lie on a circle, one a line with examples; empty where there is none.</summary>
    public IReadOnlyList<string> Circles() =>
    [
        .. OnCircles([.. _arrows.Keys]).Select(a => $"{a.From} → {a.To}: {string.Join("; ", _arrows[a].Take(3))}"),
    ];

    /// <summary>Those of some arrows that lie on a circle.</summary>
    public static IEnumerable<(string From, string To)> OnCircles(IReadOnlyList<(string From, string To)> arrows)
    {
        return arrows.Where(arrow => Reaches(arrow.To, arrow.From));

        bool Reaches(string from, string to)
        {
            var seen = new HashSet<string>(StringComparer.Ordinal) { from };
            var next = new Stack<string>([from]);
            while (next.TryPop(out string? folder) && folder != to)
            {
                foreach ((string _, string target) in arrows.Where(a => a.From == folder && seen.Add(a.To)))
                    next.Push(target);
            }
            return seen.Contains(to);
        }
    }

    private void Add(string source, string target)
    {
        if (!_folders.TryGetValue(source, out string? from) || !_folders.TryGetValue(target, out string? to) || from == to)
            return;
        if (!_arrows.TryGetValue((from, to), out List<string>? examples))
            _arrows.Add((from, to), examples = []);
        if (!examples.Contains($"{source} uses {target}"))
            examples.Add($"{source} uses {target}");
    }

    private static Dictionary<string, string> FoldersOfTypes(
        string project, IReadOnlyList<(string Path, string Text)> files, string? own)
    {
        var folders = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach ((string path, string text) in files)
        {
            string folder = Path.GetDirectoryName(Path.GetRelativePath(project, path))!.Replace('\\', '/');
            folder = folder.Length == 0 || (own ?? "").Split(' ').Contains(folder) ? "." : folder;
            foreach (Match declaration in Declaration().Matches(text))
            {
                string name = declaration.Groups["name"].Value;
                if (!folders.TryAdd(name, folder) && folders[name] != folder)
                    throw new InvalidOperationException($"{project}: {name} is declared in {folders[name]} and in {folder}.");
            }
        }
        return folders;
    }

    // The outermost type, without its number of type parameters: what a file declares.
    private string NameOf(TypeDefinitionHandle handle)
    {
        TypeDefinition type = _reader.GetTypeDefinition(handle);
        while (!type.GetDeclaringType().IsNil)
            type = _reader.GetTypeDefinition(type.GetDeclaringType());
        return _reader.GetString(type.Name).Split('`')[0];
    }

    private void CollectUses(TypeDefinition type, HashSet<TypeDefinitionHandle> used)
    {
        var collector = new Collector(used);
        CollectToken(type.BaseType, collector);
        foreach (InterfaceImplementationHandle handle in type.GetInterfaceImplementations())
            CollectToken(_reader.GetInterfaceImplementation(handle).Interface, collector);
        CollectGenerics(type.GetGenericParameters(), collector);
        CollectAttributes(type.GetCustomAttributes(), collector);
        foreach (FieldDefinitionHandle handle in type.GetFields())
        {
            FieldDefinition field = _reader.GetFieldDefinition(handle);
            field.DecodeSignature(collector, null);
            CollectAttributes(field.GetCustomAttributes(), collector);
        }
        foreach (MethodDefinitionHandle handle in type.GetMethods())
        {
            MethodDefinition method = _reader.GetMethodDefinition(handle);
            method.DecodeSignature(collector, null);
            CollectGenerics(method.GetGenericParameters(), collector);
            CollectAttributes(method.GetCustomAttributes(), collector);
            if (method.RelativeVirtualAddress != 0)
                CollectBody(_image.GetMethodBody(method.RelativeVirtualAddress), collector);
        }
    }

    private void CollectGenerics(GenericParameterHandleCollection parameters, Collector collector)
    {
        foreach (GenericParameterHandle parameter in parameters)
        {
            foreach (GenericParameterConstraintHandle handle in _reader.GetGenericParameter(parameter).GetConstraints())
                CollectToken(_reader.GetGenericParameterConstraint(handle).Type, collector);
        }
    }

    private void CollectAttributes(CustomAttributeHandleCollection attributes, Collector collector)
    {
        foreach (CustomAttributeHandle handle in attributes)
            CollectToken(_reader.GetCustomAttribute(handle).Constructor, collector);
    }

    private void CollectBody(MethodBodyBlock body, Collector collector)
    {
        if (!body.LocalSignature.IsNil)
            _reader.GetStandaloneSignature(body.LocalSignature).DecodeLocalSignature(collector, null);
        foreach (ExceptionRegion region in body.ExceptionRegions)
            CollectToken(region.CatchType, collector);
        BlobReader code = body.GetILReader();
        while (code.RemainingBytes > 0)
        {
            int value = code.ReadByte();
            OpCode operation = value == 0xFE ? s_twoBytes[code.ReadByte()] : s_oneByte[value];
            switch (operation.OperandType)
            {
                case OperandType.InlineField or OperandType.InlineMethod or OperandType.InlineTok or OperandType.InlineType:
                    CollectToken(MetadataTokens.EntityHandle(code.ReadInt32()), collector);
                    break;
                case OperandType.InlineSwitch:
                    int targets = code.ReadInt32();
                    code.Offset += 4 * targets;
                    break;
                default:
                    code.Offset += SizeOf(operation.OperandType);
                    break;
            }
        }
    }

    private static int SizeOf(OperandType operand) => operand switch
    {
        OperandType.InlineNone => 0,
        OperandType.ShortInlineBrTarget or OperandType.ShortInlineI or OperandType.ShortInlineVar => 1,
        OperandType.InlineVar => 2,
        OperandType.InlineI8 or OperandType.InlineR => 8,
        _ => 4,
    };

    private void CollectToken(EntityHandle token, Collector collector)
    {
        if (token.IsNil)
            return;
        switch (token.Kind)
        {
            case HandleKind.TypeDefinition:
                collector.Used.Add((TypeDefinitionHandle)token);
                break;
            case HandleKind.TypeSpecification:
                _reader.GetTypeSpecification((TypeSpecificationHandle)token).DecodeSignature(collector, null);
                break;
            case HandleKind.MethodDefinition:
                collector.Used.Add(_reader.GetMethodDefinition((MethodDefinitionHandle)token).GetDeclaringType());
                break;
            case HandleKind.FieldDefinition:
                collector.Used.Add(_reader.GetFieldDefinition((FieldDefinitionHandle)token).GetDeclaringType());
                break;
            case HandleKind.MethodSpecification:
                MethodSpecification method = _reader.GetMethodSpecification((MethodSpecificationHandle)token);
                CollectToken(method.Method, collector);
                method.DecodeSignature(collector, null);
                break;
            case HandleKind.MemberReference:
                MemberReference member = _reader.GetMemberReference((MemberReferenceHandle)token);
                CollectToken(member.Parent, collector);
                if (member.GetKind() == MemberReferenceKind.Method)
                    member.DecodeMethodSignature(collector, null);
                else
                    member.DecodeFieldSignature(collector, null);
                break;
            default:
                break; // what another assembly declares
        }
    }

    // Constants of a type by its name, in files of other folders, outside comments and text.
    private void AddConstants(IReadOnlyList<(string Path, string Text)> files)
    {
        var constants = new Dictionary<string, Regex>(StringComparer.Ordinal);
        foreach (TypeDefinitionHandle handle in _reader.TypeDefinitions)
        {
            TypeDefinition type = _reader.GetTypeDefinition(handle);
            string[] names =
            [
                .. type.GetFields().Select(_reader.GetFieldDefinition)
                    .Where(f => f.Attributes.HasFlag(System.Reflection.FieldAttributes.Literal))
                    .Select(f => Regex.Escape(_reader.GetString(f.Name))),
            ];
            if (names.Length > 0 && type.GetDeclaringType().IsNil)
            {
                constants[NameOf(handle)] = new Regex(
                    $@"\b{Regex.Escape(NameOf(handle))}(?:<[^>\n]*>)?\.(?:{string.Join('|', names)})\b", RegexOptions.None,
                    TimeSpan.FromSeconds(5));
            }
        }
        foreach ((string path, string text) in files)
        {
            string code = CommentOrText().Replace(text, "");
            string? source = Declaration().Matches(text).Select(m => m.Groups["name"].Value).FirstOrDefault();
            foreach ((string target, Regex use) in constants)
            {
                if (source is not null && use.IsMatch(code))
                    Add(source, target);
            }
        }
    }

    private static readonly OpCode[] s_oneByte = new OpCode[256], s_twoBytes = new OpCode[256];

    static FolderArrows()
    {
        foreach (System.Reflection.FieldInfo field in typeof(OpCodes).GetFields())
        {
            var operation = (OpCode)field.GetValue(null)!;
            (operation.Size == 1 ? s_oneByte : s_twoBytes)[operation.Value & 0xFF] = operation;
        }
    }

    [GeneratedRegex(
        @"^(?:(?:public|internal|file|abstract|sealed|static|readonly|unsafe|partial|ref) )*"
        + @"(?:class|struct|record struct|record|interface|enum|delegate [\w<>\[\]?]+) (?<name>\w+)",
        RegexOptions.Multiline | RegexOptions.ExplicitCapture, 5000)]
    private static partial Regex Declaration();

    [GeneratedRegex(@"//[^\n]*|""(?:[^""\\\n]|\\.)*""", RegexOptions.None, 5000)]
    private static partial Regex CommentOrText();

    /// <summary>Takes note of every type of the assembly in a signature.</summary>
    private sealed class Collector(HashSet<TypeDefinitionHandle> used) : ISignatureTypeProvider<object?, object?>
    {
        public HashSet<TypeDefinitionHandle> Used => used;

        public object? GetTypeFromDefinition(MetadataReader reader, TypeDefinitionHandle handle, byte rawTypeKind)
        {
            used.Add(handle);
            return null;
        }

        public object? GetTypeFromSpecification(
            MetadataReader reader, object? genericContext, TypeSpecificationHandle handle, byte rawTypeKind) =>
            reader.GetTypeSpecification(handle).DecodeSignature(this, genericContext);

        public object? GetTypeFromReference(MetadataReader reader, TypeReferenceHandle handle, byte rawTypeKind) =>
            null;

        public object? GetArrayType(object? elementType, ArrayShape shape) => null;

        public object? GetByReferenceType(object? elementType) => null;

        public object? GetFunctionPointerType(MethodSignature<object?> signature) => null;

        public object? GetGenericInstantiation(object? genericType, ImmutableArray<object?> typeArguments) => null;

        public object? GetGenericMethodParameter(object? genericContext, int index) => null;

        public object? GetGenericTypeParameter(object? genericContext, int index) => null;

        public object? GetModifiedType(object? modifier, object? unmodifiedType, bool isRequired) => null;

        public object? GetPinnedType(object? elementType) => null;

        public object? GetPointerType(object? elementType) => null;

        public object? GetPrimitiveType(PrimitiveTypeCode typeCode) => null;

        public object? GetSZArrayType(object? elementType) => null;
    }
}
