namespace InfMatch.Tensors;

/// <summary>
/// The instructions of <see cref="TensorCoreKernels"/>, as text, because ILGPU knows no tensor cores. The sums are
/// registers that the text declares itself: as variables of C# each would go through memory at every instruction. A
/// thread has 64 of them: acc(8n + 4m + i) is element i of the fragment of rows 16m… and columns 8n… of its warp. The
/// text is constant, as the compiler demands, and therefore written out for each n.
/// </summary>
internal static class TensorCoreCode
{
    private const string Mma = "mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 ";
    private const string Convert = "cvt.rna.tf32.f32 ";

    // What a TF32 number is, as a float: the ISA says nothing of the 13 bits behind its mantissa.
    private const string Clean = ", 0xffffe000; ";

    /// <summary>All registers that outlive one piece of text, the sums as 0.</summary>
    public const string Declare =
        ".reg .f32 acc<64>, zero; .reg .b32 big<8>, small<8>; mov.f32 zero, 0f00000000; " +
        "mov.f32 acc0, zero; mov.f32 acc1, zero; mov.f32 acc2, zero; mov.f32 acc3, zero; " +
        "mov.f32 acc4, zero; mov.f32 acc5, zero; mov.f32 acc6, zero; mov.f32 acc7, zero; " +
        "mov.f32 acc8, zero; mov.f32 acc9, zero; mov.f32 acc10, zero; mov.f32 acc11, zero; " +
        "mov.f32 acc12, zero; mov.f32 acc13, zero; mov.f32 acc14, zero; mov.f32 acc15, zero; " +
        "mov.f32 acc16, zero; mov.f32 acc17, zero; mov.f32 acc18, zero; mov.f32 acc19, zero; " +
        "mov.f32 acc20, zero; mov.f32 acc21, zero; mov.f32 acc22, zero; mov.f32 acc23, zero; " +
        "mov.f32 acc24, zero; mov.f32 acc25, zero; mov.f32 acc26, zero; mov.f32 acc27, zero; " +
        "mov.f32 acc28, zero; mov.f32 acc29, zero; mov.f32 acc30, zero; mov.f32 acc31, zero; " +
        "mov.f32 acc32, zero; mov.f32 acc33, zero; mov.f32 acc34, zero; mov.f32 acc35, zero; " +
        "mov.f32 acc36, zero; mov.f32 acc37, zero; mov.f32 acc38, zero; mov.f32 acc39, zero; " +
        "mov.f32 acc40, zero; mov.f32 acc41, zero; mov.f32 acc42, zero; mov.f32 acc43, zero; " +
        "mov.f32 acc44, zero; mov.f32 acc45, zero; mov.f32 acc46, zero; mov.f32 acc47, zero; " +
        "mov.f32 acc48, zero; mov.f32 acc49, zero; mov.f32 acc50, zero; mov.f32 acc51, zero; " +
        "mov.f32 acc52, zero; mov.f32 acc53, zero; mov.f32 acc54, zero; mov.f32 acc55, zero; " +
        "mov.f32 acc56, zero; mov.f32 acc57, zero; mov.f32 acc58, zero; mov.f32 acc59, zero; " +
        "mov.f32 acc60, zero; mov.f32 acc61, zero; mov.f32 acc62, zero; mov.f32 acc63, zero;";

    /// <summary>Both fragments of the left factor, rounded.</summary>
    public const string Left =
        Convert + "big0, %0; " +
        Convert + "big1, %1; " +
        Convert + "big2, %2; " +
        Convert + "big3, %3; " +
        Convert + "big4, %4; " +
        Convert + "big5, %5; " +
        Convert + "big6, %6; " +
        Convert + "big7, %7; ";

    /// <summary>Both fragments of the left factor, each number as big + small.</summary>
    public const string LeftSplit =
        "{ .reg .f32 rest; " +
        Convert + "big0, %0; and.b32 big0, big0" + Clean + "sub.rn.f32 rest, %0, big0; " + Convert + "small0, rest; " +
        Convert + "big1, %1; and.b32 big1, big1" + Clean + "sub.rn.f32 rest, %1, big1; " + Convert + "small1, rest; " +
        Convert + "big2, %2; and.b32 big2, big2" + Clean + "sub.rn.f32 rest, %2, big2; " + Convert + "small2, rest; " +
        Convert + "big3, %3; and.b32 big3, big3" + Clean + "sub.rn.f32 rest, %3, big3; " + Convert + "small3, rest; " +
        Convert + "big4, %4; and.b32 big4, big4" + Clean + "sub.rn.f32 rest, %4, big4; " + Convert + "small4, rest; " +
        Convert + "big5, %5; and.b32 big5, big5" + Clean + "sub.rn.f32 rest, %5, big5; " + Convert + "small5, rest; " +
        Convert + "big6, %6; and.b32 big6, big6" + Clean + "sub.rn.f32 rest, %6, big6; " + Convert + "small6, rest; " +
        Convert + "big7, %7; and.b32 big7, big7" + Clean + "sub.rn.f32 rest, %7, big7; " + Convert + "small7, rest; " +
        "}";

    private const string BigLow = "{big0, big1, big2, big3}, ", BigHigh = "{big4, big5, big6, big7}, ";
    private const string SmallLow = "{small0, small1, small2, small3}, ";
    private const string SmallHigh = "{small4, small5, small6, small7}, ";

    private const string Sums00 = "{acc0, acc1, acc2, acc3}";
    private const string Sums01 = "{acc4, acc5, acc6, acc7}";
    private const string Sums10 = "{acc8, acc9, acc10, acc11}";
    private const string Sums11 = "{acc12, acc13, acc14, acc15}";
    private const string Sums20 = "{acc16, acc17, acc18, acc19}";
    private const string Sums21 = "{acc20, acc21, acc22, acc23}";
    private const string Sums30 = "{acc24, acc25, acc26, acc27}";
    private const string Sums31 = "{acc28, acc29, acc30, acc31}";
    private const string Sums40 = "{acc32, acc33, acc34, acc35}";
    private const string Sums41 = "{acc36, acc37, acc38, acc39}";
    private const string Sums50 = "{acc40, acc41, acc42, acc43}";
    private const string Sums51 = "{acc44, acc45, acc46, acc47}";
    private const string Sums60 = "{acc48, acc49, acc50, acc51}";
    private const string Sums61 = "{acc52, acc53, acc54, acc55}";
    private const string Sums70 = "{acc56, acc57, acc58, acc59}";
    private const string Sums71 = "{acc60, acc61, acc62, acc63}";

    // One rounded fragment of the right factor, and its product with both of the left.
    private const string Begin = "{ .reg .b32 b<2>; " + Convert + "b0, %0; " + Convert + "b1, %1; " + Mma;
    private const string Low = ", " + BigLow + "{b0, b1}, ", Next = "; " + Mma;
    private const string High = ", " + BigHigh + "{b0, b1}, ", End = "; }";

    // The same of numbers big + small, the smallest products first. Their sum begins at zero and is added to the sums
    // here, rounded to nearest: inside the tensor core sums may be cut off, and that would grow with the depth.
    private const string BeginSplit =
        "{ .reg .b32 b<4>; .reg .f32 rest, d<4>; " + Convert + "b0, %0; and.b32 b0, b0" + Clean + Convert + "b1, %1; and.b32 b1, b1" + Clean +
        "sub.rn.f32 rest, %0, b0; " + Convert + "b2, rest; sub.rn.f32 rest, %1, b1; " + Convert + "b3, rest; " +
        Mma + "{d0, d1, d2, d3}, " + SmallLow + "{b0, b1}, {zero, zero, zero, zero}; " +
        Mma + "{d0, d1, d2, d3}, " + BigLow + "{b2, b3}, {d0, d1, d2, d3}; " +
        Mma + "{d0, d1, d2, d3}, " + BigLow + "{b0, b1}, {d0, d1, d2, d3}; ";

    private const string NextSplit =
        Mma + "{d0, d1, d2, d3}, " + SmallHigh + "{b0, b1}, {zero, zero, zero, zero}; " +
        Mma + "{d0, d1, d2, d3}, " + BigHigh + "{b2, b3}, {d0, d1, d2, d3}; " +
        Mma + "{d0, d1, d2, d3}, " + BigHigh + "{b0, b1}, {d0, d1, d2, d3}; ";

    private const string EndSplit = "}";

    // Of the four rows of a column, eight apart, as many as there are: %0 is the first one's address, %1 the bytes to
    // the next, %2 their number, %3… what is added to each.
    private const string Row0 =
        "{ .reg .pred p; .reg .f32 v; .reg .b64 a; mov.b64 a, %0; setp.gt.s32 p, %2, 0; add.rn.f32 v, %3, ";

    private const string Row1 =
        "; @p st.global.f32 [a], v; add.s64 a, a, %1; setp.gt.s32 p, %2, 1; add.rn.f32 v, %4, ";

    private const string Row2 =
        "; @p st.global.f32 [a], v; add.s64 a, a, %1; setp.gt.s32 p, %2, 2; add.rn.f32 v, %5, ";

    private const string Row3 =
        "; @p st.global.f32 [a], v; add.s64 a, a, %1; setp.gt.s32 p, %2, 3; add.rn.f32 v, %6, ";

    private const string Rows = "; @p st.global.f32 [a], v; }";

    public const string Right0 = Begin + Sums00 + Low + Sums00 + Next + Sums01 + High + Sums01 + End;
    public const string Right1 = Begin + Sums10 + Low + Sums10 + Next + Sums11 + High + Sums11 + End;
    public const string Right2 = Begin + Sums20 + Low + Sums20 + Next + Sums21 + High + Sums21 + End;
    public const string Right3 = Begin + Sums30 + Low + Sums30 + Next + Sums31 + High + Sums31 + End;
    public const string Right4 = Begin + Sums40 + Low + Sums40 + Next + Sums41 + High + Sums41 + End;
    public const string Right5 = Begin + Sums50 + Low + Sums50 + Next + Sums51 + High + Sums51 + End;
    public const string Right6 = Begin + Sums60 + Low + Sums60 + Next + Sums61 + High + Sums61 + End;
    public const string Right7 = Begin + Sums70 + Low + Sums70 + Next + Sums71 + High + Sums71 + End;

    private const string Add00 =
        "add.rn.f32 acc0, acc0, d0; add.rn.f32 acc1, acc1, d1; " +
        "add.rn.f32 acc2, acc2, d2; add.rn.f32 acc3, acc3, d3; ";

    private const string Add01 =
        "add.rn.f32 acc4, acc4, d0; add.rn.f32 acc5, acc5, d1; " +
        "add.rn.f32 acc6, acc6, d2; add.rn.f32 acc7, acc7, d3; ";

    private const string Add10 =
        "add.rn.f32 acc8, acc8, d0; add.rn.f32 acc9, acc9, d1; " +
        "add.rn.f32 acc10, acc10, d2; add.rn.f32 acc11, acc11, d3; ";

    private const string Add11 =
        "add.rn.f32 acc12, acc12, d0; add.rn.f32 acc13, acc13, d1; " +
        "add.rn.f32 acc14, acc14, d2; add.rn.f32 acc15, acc15, d3; ";

    private const string Add20 =
        "add.rn.f32 acc16, acc16, d0; add.rn.f32 acc17, acc17, d1; " +
        "add.rn.f32 acc18, acc18, d2; add.rn.f32 acc19, acc19, d3; ";

    private const string Add21 =
        "add.rn.f32 acc20, acc20, d0; add.rn.f32 acc21, acc21, d1; " +
        "add.rn.f32 acc22, acc22, d2; add.rn.f32 acc23, acc23, d3; ";

    private const string Add30 =
        "add.rn.f32 acc24, acc24, d0; add.rn.f32 acc25, acc25, d1; " +
        "add.rn.f32 acc26, acc26, d2; add.rn.f32 acc27, acc27, d3; ";

    private const string Add31 =
        "add.rn.f32 acc28, acc28, d0; add.rn.f32 acc29, acc29, d1; " +
        "add.rn.f32 acc30, acc30, d2; add.rn.f32 acc31, acc31, d3; ";

    private const string Add40 =
        "add.rn.f32 acc32, acc32, d0; add.rn.f32 acc33, acc33, d1; " +
        "add.rn.f32 acc34, acc34, d2; add.rn.f32 acc35, acc35, d3; ";

    private const string Add41 =
        "add.rn.f32 acc36, acc36, d0; add.rn.f32 acc37, acc37, d1; " +
        "add.rn.f32 acc38, acc38, d2; add.rn.f32 acc39, acc39, d3; ";

    private const string Add50 =
        "add.rn.f32 acc40, acc40, d0; add.rn.f32 acc41, acc41, d1; " +
        "add.rn.f32 acc42, acc42, d2; add.rn.f32 acc43, acc43, d3; ";

    private const string Add51 =
        "add.rn.f32 acc44, acc44, d0; add.rn.f32 acc45, acc45, d1; " +
        "add.rn.f32 acc46, acc46, d2; add.rn.f32 acc47, acc47, d3; ";

    private const string Add60 =
        "add.rn.f32 acc48, acc48, d0; add.rn.f32 acc49, acc49, d1; " +
        "add.rn.f32 acc50, acc50, d2; add.rn.f32 acc51, acc51, d3; ";

    private const string Add61 =
        "add.rn.f32 acc52, acc52, d0; add.rn.f32 acc53, acc53, d1; " +
        "add.rn.f32 acc54, acc54, d2; add.rn.f32 acc55, acc55, d3; ";

    private const string Add70 =
        "add.rn.f32 acc56, acc56, d0; add.rn.f32 acc57, acc57, d1; " +
        "add.rn.f32 acc58, acc58, d2; add.rn.f32 acc59, acc59, d3; ";

    private const string Add71 =
        "add.rn.f32 acc60, acc60, d0; add.rn.f32 acc61, acc61, d1; " +
        "add.rn.f32 acc62, acc62, d2; add.rn.f32 acc63, acc63, d3; ";

    public const string RightSplit0 = BeginSplit + Add00 + NextSplit + Add01 + EndSplit;
    public const string RightSplit1 = BeginSplit + Add10 + NextSplit + Add11 + EndSplit;
    public const string RightSplit2 = BeginSplit + Add20 + NextSplit + Add21 + EndSplit;
    public const string RightSplit3 = BeginSplit + Add30 + NextSplit + Add31 + EndSplit;
    public const string RightSplit4 = BeginSplit + Add40 + NextSplit + Add41 + EndSplit;
    public const string RightSplit5 = BeginSplit + Add50 + NextSplit + Add51 + EndSplit;
    public const string RightSplit6 = BeginSplit + Add60 + NextSplit + Add61 + EndSplit;
    public const string RightSplit7 = BeginSplit + Add70 + NextSplit + Add71 + EndSplit;

    public const string Store00 =
        Row0 + "acc0" + Row1 + "acc2" + Row2 + "acc4" + Row3 + "acc6" + Rows;

    public const string Store01 =
        Row0 + "acc1" + Row1 + "acc3" + Row2 + "acc5" + Row3 + "acc7" + Rows;

    public const string Store10 =
        Row0 + "acc8" + Row1 + "acc10" + Row2 + "acc12" + Row3 + "acc14" + Rows;

    public const string Store11 =
        Row0 + "acc9" + Row1 + "acc11" + Row2 + "acc13" + Row3 + "acc15" + Rows;

    public const string Store20 =
        Row0 + "acc16" + Row1 + "acc18" + Row2 + "acc20" + Row3 + "acc22" + Rows;

    public const string Store21 =
        Row0 + "acc17" + Row1 + "acc19" + Row2 + "acc21" + Row3 + "acc23" + Rows;

    public const string Store30 =
        Row0 + "acc24" + Row1 + "acc26" + Row2 + "acc28" + Row3 + "acc30" + Rows;

    public const string Store31 =
        Row0 + "acc25" + Row1 + "acc27" + Row2 + "acc29" + Row3 + "acc31" + Rows;

    public const string Store40 =
        Row0 + "acc32" + Row1 + "acc34" + Row2 + "acc36" + Row3 + "acc38" + Rows;

    public const string Store41 =
        Row0 + "acc33" + Row1 + "acc35" + Row2 + "acc37" + Row3 + "acc39" + Rows;

    public const string Store50 =
        Row0 + "acc40" + Row1 + "acc42" + Row2 + "acc44" + Row3 + "acc46" + Rows;

    public const string Store51 =
        Row0 + "acc41" + Row1 + "acc43" + Row2 + "acc45" + Row3 + "acc47" + Rows;

    public const string Store60 =
        Row0 + "acc48" + Row1 + "acc50" + Row2 + "acc52" + Row3 + "acc54" + Rows;

    public const string Store61 =
        Row0 + "acc49" + Row1 + "acc51" + Row2 + "acc53" + Row3 + "acc55" + Rows;

    public const string Store70 =
        Row0 + "acc56" + Row1 + "acc58" + Row2 + "acc60" + Row3 + "acc62" + Rows;

    public const string Store71 =
        Row0 + "acc57" + Row1 + "acc59" + Row2 + "acc61" + Row3 + "acc63" + Rows;
}
