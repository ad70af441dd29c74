using System.Globalization;
using System.Text;

namespace InfMatch.Datasets;

/// <summary>
/// Brings names to Unicode's decomposed form, in which a name that one system writes with é and another with e and an
/// accent is the same. The runtime's own function leaves text as it is, because the program carries no cultures. Letters
/// outside the first 65,536 and the compatibility ideographs keep their form. Source: the decompositions of the Unicode
/// Character Database; Hangul by the arithmetic of chapter 3.12 of the standard.
/// </summary>
internal static class UnicodeForm
{
    private const int Hangul = 0xAC00, HangulCount = 11172, Leads = 0x1100, Vowels = 0x1161, Tails = 0x11A7;
    private const int VowelCount = 21, TailCount = 28;

    // A mark, letters that hold it, and the same letters without it.
    private static readonly (char Mark, string With, string Without)[] s_marks =
    [
        ('\u0300', "ÀÈÌÒÙàèìòùǛǜǸǹЀЍѐѝḔḕṐṑẀẁẦầẰằỀềỒồỜờỪừỲỳἂἃ", "AEIOUaeiouÜüNnЕИеиĒēŌōWwÂâĂăÊêÔôƠơƯưYyἀἁ"),
        ('\u0300', "ἊἋἒἓἚἛἢἣἪἫἲἳἺἻὂὃὊὋὒὓὛὢὣὪὫὰὲὴὶὸὺὼᾺῈῊ\u1FCDῒῚ\u1FDDῢ", "ἈἉἐἑἘἙἠἡἨἩἰἱἸἹὀὁὈὉὐὑὙὠὡὨὩαεηιουωΑΕΗ\u1FBFϊΙ\u1FFEϋ"),
        ('\u0300', "Ὺ\u1FEDῸῺ", "Υ\u00A8ΟΩ"),
        ('\u0301', "ÁÉÍÓÚÝáéíóúýĆćĹĺŃńŔŕŚśŹźǗǘǴǵǺǻǼǽǾǿ\u0344\u0385ΆΈΉΊ", "AEIOUYaeiouyCcLlNnRrSsZzÜüGgÅåÆæØø\u0308\u00A8ΑΕΗΙ"),
        ('\u0301', "ΌΎΏΐάέήίΰόύώϓЃЌѓќḈḉḖḗḮḯḰḱḾḿṌṍṒṓṔṕṸṹẂẃẤấẮ", "ΟΥΩϊαεηιϋουωϒГКгкÇçĒēÏïKkMmÕõŌōPpŨũWwÂâĂ"),
        ('\u0301', "ắẾếỐốỚớỨứἄἅἌἍἔἕἜἝἤἥἬἭἴἵἼἽὄὅὌὍὔὕὝὤὥὬὭ\u1FCE\u1FDE", "ăÊêÔôƠơƯưἀἁἈἉἐἑἘἙἠἡἨἩἰἱἸἹὀὁὈὉὐὑὙὠὡὨὩ\u1FBF\u1FFE"),
        ('\u0302', "ÂÊÎÔÛâêîôûĈĉĜĝĤĥĴĵŜŝŴŵŶŷẐẑẬậỆệỘộ", "AEIOUaeiouCcGgHhJjSsWwYyZzẠạẸẹỌọ"),
        ('\u0303', "ÃÑÕãñõĨĩŨũṼṽẪẫẴẵẼẽỄễỖỗỠỡỮữỸỹ", "ANOanoIiUuVvÂâĂăEeÊêÔôƠơƯưYy"),
        ('\u0304', "ĀāĒēĪīŌōŪūǕǖǞǟǠǡǢǣǬǭȪȫȬȭȰȱȲȳӢӣӮӯḠḡḸḹṜṝᾱᾹ", "AaEeIiOoUuÜüÄäȦȧÆæǪǫÖöÕõȮȯYyИиУуGgḶḷṚṛαΑ"),
        ('\u0304', "ῑῙῡῩ", "ιΙυΥ"),
        ('\u0306', "ĂăĔĕĞğĬĭŎŏŬŭЎЙйўӁӂӐӑӖӗḜḝẶặᾰᾸῐῘῠῨ", "AaEeGgIiOoUuУИиуЖжАаЕеȨȩẠạαΑιΙυΥ"),
        ('\u0307', "ĊċĖėĠġİŻżȦȧȮȯḂḃḊḋḞḟḢḣṀṁṄṅṖṗṘṙṠṡṤṥṦṧṨṩṪṫẆ", "CcEeGgIZzAaOoBbDdFfHhMmNnPpRrSsŚśŠšṢṣTtW"),
        ('\u0307', "ẇẊẋẎẏẛ", "wXxYyſ"),
        ('\u0308', "ÄËÏÖÜäëïöüÿŸΪΫϊϋϔЁЇёїӒӓӚӛӜӝӞӟӤӥӦӧӪӫӬӭӰӱӴ", "AEIOUaeiouyYΙΥιυϒЕІеіАаӘәЖжЗзИиОоӨөЭэУуЧ"),
        ('\u0308', "ӵӸӹḦḧṎṏṺṻẄẅẌẍẗ", "чЫыHhÕõŪūWwXxt"),
        ('\u0309', "ẢảẨẩẲẳẺẻỂểỈỉỎỏỔổỞởỦủỬửỶỷ", "AaÂâĂăEeÊêIiOoÔôƠơUuƯưYy"),
        ('\u030A', "ÅåŮůẘẙ", "AaUuwy"),
        ('\u030B', "ŐőŰűӲӳ", "OoUuУу"),
        ('\u030C', "ČčĎďĚěĽľŇňŘřŠšŤťŽžǍǎǏǐǑǒǓǔǙǚǦǧǨǩǮǯǰȞȟ", "CcDdEeLlNnRrSsTtZzAaIiOoUuÜüGgKkƷ\u0292jHh"),
        ('\u030F', "ȀȁȄȅȈȉȌȍȐȑȔȕѶѷ", "AaEeIiOoRrUuѴѵ"),
        ('\u0311', "ȂȃȆȇȊȋȎȏȒȓȖȗ", "AaEeIiOoRrUu"),
        ('\u0313', "ἀἈἐἘἠἨἰἸὀὈὐὠὨῤ", "αΑεΕηΗιΙοΟυωΩρ"),
        ('\u0314', "ἁἉἑἙἡἩἱἹὁὉὑὙὡὩῥῬ", "αΑεΕηΗιΙοΟυΥωΩρΡ"),
        ('\u031B', "ƠơƯư", "OoUu"),
        ('\u0323', "ḄḅḌḍḤḥḲḳḶḷṂṃṆṇṚṛṢṣṬṭṾṿẈẉẒẓẠạẸẹỊịỌọỢợỤụỰự", "BbDdHhKkLlMmNnRrSsTtVvWwZzAaEeIiOoƠơUuƯư"),
        ('\u0323', "Ỵỵ", "Yy"),
        ('\u0324', "Ṳṳ", "Uu"),
        ('\u0325', "Ḁḁ", "Aa"),
        ('\u0326', "ȘșȚț", "SsTt"),
        ('\u0327', "ÇçĢģĶķĻļŅņŖŗŞşŢţȨȩḐḑḨḩ", "CcGgKkLlNnRrSsTtEeDdHh"),
        ('\u0328', "ĄąĘęĮįŲųǪǫ", "AaEeIiUuOo"),
        ('\u032D', "ḒḓḘḙḼḽṊṋṰṱṶṷ", "DdEeLlNnTtUu"),
        ('\u032E', "Ḫḫ", "Hh"),
        ('\u0330', "ḚḛḬḭṴṵ", "EeIiUu"),
        ('\u0331', "ḆḇḎḏḴḵḺḻṈṉṞṟṮṯẔẕẖ", "BbDdKkLlNnRrTtZzh"),
        ('\u0338', "\u219A\u219B\u21AE\u21CD\u21CE\u21CF\u2204\u2209\u220C\u2224\u2226\u2241\u2244\u2247\u2249\u2260\u2262\u226D\u226E\u226F\u2270\u2271\u2274\u2275\u2278\u2279\u2280\u2281\u2284\u2285\u2288\u2289\u22AC\u22AD\u22AE\u22AF\u22E0\u22E1\u22E2\u22E3",
            "\u2190\u2192\u2194\u21D0\u21D4\u21D2\u2203\u2208\u220B\u2223\u2225\u223C\u2243\u2245\u2248=\u2261\u224D<>\u2264\u2265\u2272\u2273\u2276\u2277\u227A\u227B\u2282\u2283\u2286\u2287\u22A2\u22A8\u22A9\u22AB\u227C\u227D\u2291\u2292"),
        ('\u0338', "\u22EA\u22EB\u22EC\u22ED\u2ADC", "\u22B2\u22B3\u22B4\u22B5\u2ADD"),
        ('\u0342', "ἆἇἎἏἦἧἮἯἶἷἾἿὖὗὟὦὧὮὯᾶ\u1FC1ῆ\u1FCFῖῗ\u1FDFῦῧῶ", "ἀἁἈἉἠἡἨἩἰἱἸἹὐὑὙὠὡὨὩα\u00A8η\u1FBFιϊ\u1FFEυϋω"),
        ('\u0345', "ᾀᾁᾂᾃᾄᾅᾆᾇᾈᾉᾊᾋᾌᾍᾎᾏᾐᾑᾒᾓᾔᾕᾖᾗᾘᾙᾚᾛᾜᾝᾞᾟᾠᾡᾢᾣᾤᾥᾦᾧ", "ἀἁἂἃἄἅἆἇἈἉἊἋἌἍἎἏἠἡἢἣἤἥἦἧἨἩἪἫἬἭἮἯὠὡὢὣὤὥὦὧ"),
        ('\u0345', "ᾨᾩᾪᾫᾬᾭᾮᾯᾲᾳᾴᾷᾼῂῃῄῇῌῲῳῴῷῼ", "ὨὩὪὫὬὭὮὯὰαάᾶΑὴηήῆΗὼωώῶΩ"),
        ('\u05B4', "\uFB1D", "\u05D9"),
        ('\u05B7', "\uFB1F\uFB2E", "\u05F2\u05D0"),
        ('\u05B8', "\uFB2F", "\u05D0"),
        ('\u05B9', "\uFB4B", "\u05D5"),
        ('\u05BC', "\uFB30\uFB31\uFB32\uFB33\uFB34\uFB35\uFB36\uFB38\uFB39\uFB3A\uFB3B\uFB3C\uFB3E\uFB40\uFB41\uFB43\uFB44\uFB46\uFB47\uFB48\uFB49\uFB4A",
            "\u05D0\u05D1\u05D2\u05D3\u05D4\u05D5\u05D6\u05D8\u05D9\u05DA\u05DB\u05DC\u05DE\u05E0\u05E1\u05E3\u05E4\u05E6\u05E7\u05E8\u05E9\u05EA"),
        ('\u05BF', "\uFB4C\uFB4D\uFB4E", "\u05D1\u05DB\u05E4"),
        ('\u05C1', "\uFB2A\uFB2C", "\u05E9\uFB49"),
        ('\u05C2', "\uFB2B\uFB2D", "\u05E9\uFB49"),
        ('\u0653', "\u0622", "\u0627"),
        ('\u0654', "\u0623\u0624\u0626\u06C0\u06C2\u06D3", "\u0627\u0648\u064A\u06D5\u06C1\u06D2"),
        ('\u0655', "\u0625", "\u0627"),
        ('\u093C', "\u0929\u0931\u0934\u0958\u0959\u095A\u095B\u095C\u095D\u095E\u095F",
            "\u0928\u0930\u0933\u0915\u0916\u0917\u091C\u0921\u0922\u092B\u092F"),
        ('\u09BC', "\u09DC\u09DD\u09DF", "\u09A1\u09A2\u09AF"),
        ('\u09BE', "\u09CB", "\u09C7"),
        ('\u09D7', "\u09CC", "\u09C7"),
        ('\u0A3C', "\u0A33\u0A36\u0A59\u0A5A\u0A5B\u0A5E", "\u0A32\u0A38\u0A16\u0A17\u0A1C\u0A2B"),
        ('\u0B3C', "\u0B5C\u0B5D", "\u0B21\u0B22"),
        ('\u0B3E', "\u0B4B", "\u0B47"),
        ('\u0B56', "\u0B48", "\u0B47"),
        ('\u0B57', "\u0B4C", "\u0B47"),
        ('\u0BBE', "\u0BCA\u0BCB", "\u0BC6\u0BC7"),
        ('\u0BD7', "\u0B94\u0BCC", "\u0B92\u0BC6"),
        ('\u0C56', "\u0C48", "\u0C46"),
        ('\u0CC2', "\u0CCA", "\u0CC6"),
        ('\u0CD5', "\u0CC0\u0CC7\u0CCB", "\u0CBF\u0CC6\u0CCA"),
        ('\u0CD6', "\u0CC8", "\u0CC6"),
        ('\u0D3E', "\u0D4A\u0D4B", "\u0D46\u0D47"),
        ('\u0D57', "\u0D4C", "\u0D46"),
        ('\u0DCA', "\u0DDA\u0DDD", "\u0DD9\u0DDC"),
        ('\u0DCF', "\u0DDC", "\u0DD9"),
        ('\u0DDF', "\u0DDE", "\u0DD9"),
        ('\u0F72', "\u0F73", "\u0F71"),
        ('\u0F74', "\u0F75", "\u0F71"),
        ('\u0F80', "\u0F76\u0F78\u0F81", "\u0FB2\u0FB3\u0F71"),
        ('\u0FB5', "\u0F69\u0FB9", "\u0F40\u0F90"),
        ('\u0FB7', "\u0F43\u0F4D\u0F52\u0F57\u0F5C\u0F93\u0F9D\u0FA2\u0FA7\u0FAC",
            "\u0F42\u0F4C\u0F51\u0F56\u0F5B\u0F92\u0F9C\u0FA1\u0FA6\u0FAB"),
        ('\u102E', "\u1026", "\u1025"),
        ('\u1B35', "\u1B06\u1B08\u1B0A\u1B0C\u1B0E\u1B12\u1B3B\u1B3D\u1B40\u1B41\u1B43",
            "\u1B05\u1B07\u1B09\u1B0B\u1B0D\u1B11\u1B3A\u1B3C\u1B3E\u1B3F\u1B42"),
        ('\u3099', "がぎぐげござじずぜぞだぢづでどばびぶべぼゔゞガギグゲゴザジズゼゾダヂヅデドバビブ", "かきくけこさしすせそたちつてとはひふへほうゝカキクケコサシスセソタチツテトハヒフ"),
        ('\u3099', "ベボヴヷヸヹヺヾ", "ヘホウワヰヱヲヽ"),
        ('\u309A', "ぱぴぷぺぽパピプペポ", "はひふへほハヒフヘホ"),
    ];

    // Letters that are another letter.
    private const string Doubles =
        "\u0340\u0341\u0343\u0374\u037E\u0387\u1F71\u1F73\u1F75\u1F77\u1F79\u1F7B\u1F7D\u1FBB\u1FBE\u1FC9" +
        "\u1FCB\u1FD3\u1FDB\u1FE3\u1FEB\u1FEE\u1FEF\u1FF9\u1FFB\u1FFD\u2000\u2001\u2126\u212A\u212B\u2329" +
        "\u232A";

    private const string Singles =
        "\u0300\u0301\u0313\u02B9\u003B\u00B7\u03AC\u03AD\u03AE\u03AF\u03CC\u03CD\u03CE\u0386\u03B9\u0388" +
        "\u0389\u0390\u038A\u03B0\u038E\u0385\u0060\u038C\u038F\u00B4\u2002\u2003\u03A9\u004B\u00C5\u3008" +
        "\u3009";

    private static readonly Dictionary<char, string> s_parts = Parts();

    /// <summary>The name in decomposed form; the marks of a letter are in the order of their numbers.</summary>
    public static string Decomposed(string name)
    {
        var text = new StringBuilder(name.Length);
        foreach (char c in name)
        {
            if (c is >= (char)Hangul and < (char)(Hangul + HangulCount))
            {
                int syllable = c - Hangul, tail = syllable % TailCount;
                text.Append((char)(Leads + (syllable / (VowelCount * TailCount))));
                text.Append((char)(Vowels + (syllable / TailCount % VowelCount)));
                if (tail > 0)
                    text.Append((char)(Tails + tail));
            }
            else
                Append(text, c);
        }

        for (int i = 1; i < text.Length; i++)
        {
            for (int j = i; j > 0 && IsMark(text[j]) && IsMark(text[j - 1]) && text[j] < text[j - 1]; j--)
                (text[j], text[j - 1]) = (text[j - 1], text[j]);
        }

        return text.ToString();
    }

    private static bool IsMark(char c) => char.GetUnicodeCategory(c) == UnicodeCategory.NonSpacingMark;

    private static void Append(StringBuilder text, char c)
    {
        if (!s_parts.TryGetValue(c, out string? parts))
        {
            text.Append(c);
            return;
        }

        foreach (char part in parts)
            Append(text, part);
    }

    private static Dictionary<char, string> Parts()
    {
        var parts = new Dictionary<char, string>();
        foreach ((char mark, string with, string without) in s_marks)
        {
            for (int i = 0; i < with.Length; i++)
                parts.Add(with[i], $"{without[i]}{mark}");
        }

        for (int i = 0; i < Doubles.Length; i++)
            parts.Add(Doubles[i], $"{Singles[i]}");
        return parts;
    }
}
