using InfMatch.Datasets;
using InfMatch.Onnx;
using InfMatch.Tensors;
using Microsoft.ML.Tokenizers;

namespace InfMatch.Distill;

/// <summary>Feature vectors of sentences by a frozen model of ONNX of BERT's kind: word pieces in lower case, the mean over them of the
/// last hidden state, brought to length 1 (Reimers and Gurevych, Sentence-BERT, 2019).</summary>
internal sealed class SentenceEncoder : IDisposable
{
    /// <summary>The most word pieces of a sentence; what follows is left out.</summary>
    public const int MostPieces = 128;

    private const int SentencesOfPart = 8;

    private const string Ids = "input_ids", Mask = "attention_mask", Types = "token_type_ids", Hidden = "last_hidden_state";

    private readonly Backend _backend;
    private readonly OnnxProgram _program;
    private readonly BertTokenizer _tokenizer;

    /// <summary>Reads model and vocabulary.</summary>
    /// <exception cref="OnnxModelException">The model cannot be computed here, or is no encoder of sentences.</exception>
    /// <exception cref="DatasetException">The vocabulary is none of BERT's.</exception>
    public SentenceEncoder(Backend backend, ModelFile model, ModelFile vocabulary)
    {
        _backend = backend;
        _tokenizer = Tokenizer(vocabulary);
        _program = OnnxProgram.Read(model.Bytes, model.Path, backend, Hidden);
        string[] known = [Ids, Mask, Types];
        if (!_program.Inputs.Contains(Ids, StringComparer.Ordinal) || _program.Inputs.FirstOrDefault(i => !known.Contains(i, StringComparer.Ordinal)) is not null)
        {
            throw new OnnxModelException(
                model.Path, $"an encoder of sentences takes {string.Join(", ", known)}; this model takes {string.Join(", ", _program.Inputs)}.");
        }
    }

    /// <summary>The ids of the word pieces of a sentence, between those of its begin and end.</summary>
    public long[] Pieces(string sentence) =>
        [.. _tokenizer.EncodeToIds(WithoutMarks(sentence), MostPieces, addSpecialTokens: true, out _, out _).Select(id => (long)id)];

    /// <summary>Feature vectors of sentences of one length in word pieces, so that none is padded; [n, G], on all threads.</summary>
    /// <exception cref="OnnxModelException">The model does not fit.</exception>
    public float[][] Encode(IReadOnlyList<long[]> pieces)
    {
        long[][][] parts = [.. pieces.Chunk(SentencesOfPart)];
        using var scope = TensorScope.Begin();
        Tensor[][] found = scope.InParallel(_backend, parts.Length, i => [Encode(parts[i])]);
        return [.. found.SelectMany(f => f[0].ToArray<float>().Chunk(f[0].Shape[1]))];
    }

    private Tensor Encode(long[][] pieces)
    {
        (int count, int length) = (pieces.Length, pieces[0].Length);
        var shape = new Shape(count, length);
        OnnxValue Filled(long value) => OnnxValue.Of([.. Enumerable.Repeat(value, count * length)], shape);
        var inputs = new Dictionary<string, OnnxValue>(StringComparer.Ordinal);
        foreach (string input in _program.Inputs)
            inputs[input] = input == Ids ? OnnxValue.Of([.. pieces.SelectMany(p => p)], shape) : Filled(input == Mask ? 1 : 0);
        float[] hidden = _program.Run(inputs)[0].Numbers.Value.ToArray<float>();
        int width = hidden.Length / (count * length);
        var result = new float[count * width];
        for (int i = 0; i < count; i++)
        {
            var mean = new double[width];
            for (int k = 0; k < length * width; k++)
                mean[k % width] += hidden[i * length * width + k];
            double norm = Math.Sqrt(mean.Sum(x => x * x));
            for (int k = 0; k < width; k++)
                result[i * width + k] = (float)(mean[k] / norm);
        }
        return Tensor.From<float>(_backend, result, new Shape(count, width));
    }

    /// <inheritdoc/>
    public void Dispose() => _program.Dispose();

    // The tokeniser's own removal of accents needs cultures, which the program does not carry.
    private static string WithoutMarks(string sentence) => string.Concat(
        UnicodeForm.Decomposed(sentence).Where(c => char.GetUnicodeCategory(c) != System.Globalization.UnicodeCategory.NonSpacingMark));

    private static BertTokenizer Tokenizer(ModelFile vocabulary)
    {
        string text = System.Text.Encoding.UTF8.GetString(vocabulary.Bytes).Replace("\r\n", "\n", StringComparison.Ordinal);
        HashSet<string> pieces = [.. text.Split('\n')];
        if (Array.Find(["[UNK]", "[CLS]", "[SEP]", "[PAD]", "[MASK]"], p => !pieces.Contains(p)) is { } missing)
        {
            throw new DatasetException(
                DatasetFault.WrongFormat, vocabulary.Path, $"this is no vocabulary of BERT's word pieces: {missing} is not in it",
                fix: "Name the vocab.txt that belongs to the encoder.");
        }
        using var stream = new MemoryStream(System.Text.Encoding.UTF8.GetBytes(text));
        try
        {
            return BertTokenizer.Create(stream, new BertOptions { LowerCaseBeforeTokenization = true });
        }
        catch (Exception e) when (e is ArgumentException or InvalidOperationException)
        {
            throw new DatasetException(
                DatasetFault.WrongFormat, vocabulary.Path, $"this is no vocabulary of BERT's word pieces ({e.Message.TrimEnd('.')})",
                "Name the vocab.txt that belongs to the encoder.", e);
        }
    }
}
