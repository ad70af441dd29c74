using System.Net;
using System.Net.Http.Headers;
using System.Security.Cryptography;

namespace InfMatch.Datasets;

/// <summary>
/// Downloads one file. It grows under its name with .partial, beside it the server's mark of its version with
/// .partial.tag, and gets its name only when length and MD5 are right. A later call goes on with a partial file by a
/// range request that the server answers only for the same version.
/// </summary>
internal sealed class FileDownload(HttpClient client, DownloadOptions options)
{
    private const int BufferBytes = 128 << 10;

    // In place of a length.
    private const long TooMuch = -1;

    // What an answer without a body to be had means; the others are tried again.
    private static readonly HttpStatusCode[] s_final =
        [HttpStatusCode.NotFound, HttpStatusCode.Forbidden, HttpStatusCode.Gone, HttpStatusCode.Unauthorized];

    /// <summary>The name under which a file grows.</summary>
    public static string PartialOf(string path) => path + ".partial";

    private static string TagOf(string partial) => partial + ".tag";

    /// <summary>Brings the file to the path.</summary>
    /// <exception cref="DatasetException">It cannot be had, or is not the published one.</exception>
    /// <exception cref="IOException">It cannot be written, or a name that it grows under is a link.</exception>
    public async Task RunAsync(PublishedFile file, string path)
    {
        string partial = PartialOf(path);
        foreach (string written in (string[])[partial, partial + ".tag"])
        {
            if (new FileInfo(written).LinkTarget is { } target)
            {
                throw new IOException(
                    $"Cannot write '{written}': it is a link to '{target}', and nothing is written through a link here. Remove the "
                    + "link.");
            }
        }

        DatasetException? last = null;
        foreach (Uri address in file.Addresses)
        {
            try
            {
                await FetchAsync(file, address, partial).ConfigureAwait(false);
                CheckAndName(file, address, partial, path);
                return;
            }
            catch (DatasetException e) when (e.Fault is DatasetFault.NotReached or DatasetFault.Damaged)
            {
                last = e;
                if (address != file.Addresses[^1])
                    options.Note?.Invoke(e.Message);
            }
        }

        throw last!;
    }

    private async Task FetchAsync(PublishedFile file, Uri address, string partial)
    {
        TimeSpan pause = options.Pause;
        for (int attempt = 1; ; attempt++)
        {
            try
            {
                await FetchOnceAsync(file, address, partial).ConfigureAwait(false);
                return;
            }
            catch (Exception e) when (
                e is HttpRequestException or HttpIOException or TimeoutException
                || (e is OperationCanceledException && !options.Cancel.IsCancellationRequested))
            {
                // A name that nobody knows means no network: waiting for it helps less than saying so.
                bool isFinal = e is HttpRequestException { StatusCode: { } code } && s_final.Contains(code)
                    || e is HttpRequestException { HttpRequestError: HttpRequestError.NameResolutionError };
                if (isFinal || attempt >= options.Attempts)
                    throw NotReached(file, address, partial, e);
                options.Note?.Invoke($"{file.Name}: {Reason(e)}; trying again.");
            }

            await Task.Delay(pause, options.Cancel).ConfigureAwait(false);
            pause *= 2;
        }
    }

    private async Task FetchOnceAsync(PublishedFile file, Uri address, string partial)
    {
        long have = File.Exists(partial) ? new FileInfo(partial).Length : 0;
        using HttpRequestMessage request = Ask(file, address, TagOf(partial), have);
        using var idle = new CancellationTokenSource(options.Patience, options.Clock);
        using CancellationTokenRegistration stop =
            options.Cancel.UnsafeRegister(source => ((CancellationTokenSource)source!).Cancel(), idle);
        using HttpResponseMessage answer =
            await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, idle.Token).ConfigureAwait(false);
        if (answer.StatusCode == HttpStatusCode.RequestedRangeNotSatisfiable)
        {
            // All of it may be there already; if it is not, the check of the sum finds it out.
            if (answer.Content.Headers.ContentRange?.Length == have)
                return;
            Discard(partial);
            throw new HttpRequestException("the server has less than what is here already");
        }

        (long start, long? promised) = Begin(answer, request.Headers.Range is null ? null : have, partial);
        long most = Most(file, address, promised);
        if (start == 0)
            Discard(partial);
        string mark = answer.Headers.ETag is { IsWeak: false } strong ? strong.Tag
            : answer.Content.Headers.LastModified is { } modified ? modified.ToString("R") : "";
        File.WriteAllText(TagOf(partial), mark);
        await using Stream body = await answer.Content.ReadAsStreamAsync(idle.Token).ConfigureAwait(false);
        long done = await AppendAsync(
            body, partial, start, most, idle, now => options.Progress?.Invoke(file.Name, now, promised ?? file.Bytes ?? 0))
            .ConfigureAwait(false);
        if (done is TooMuch)
        {
            Discard(partial);
            throw new DatasetException(
                DatasetFault.Damaged, $"{address}", "the server sends more than the file has",
                $"more than {most} bytes",
                fix: "It is not the published file; nothing of it was kept.");
        }

        long whole = file.Bytes ?? promised ?? done;
        if (done < whole)
            throw new HttpIOException(HttpRequestError.ResponseEnded,
                $"the connection ended after {done} of {whole} bytes");
    }

    // Asks for what is not there yet. Without a mark of the version only a published sum can tell whether two parts belong together.
    private static HttpRequestMessage Ask(PublishedFile file, Uri address, string tagPath, long have)
    {
        string tag = File.Exists(tagPath) ? File.ReadAllText(tagPath) : "";
        var request = new HttpRequestMessage(HttpMethod.Get, address);
        if (have > 0 && (tag.Length > 0 || file.Md5 is not null))
        {
            request.Headers.Range = new RangeHeaderValue(have, null);
            if (tag.Length > 0)
                request.Headers.TryAddWithoutValidation("If-Range", tag);
        }
        return request;
    }

    // Where the body of an answer begins in the file, and how long the file is to be where the server says so.
    private static (long Start, long? Promised) Begin(HttpResponseMessage answer, long? asked, string partial)
    {
        if (!answer.IsSuccessStatusCode)
            throw new HttpRequestException($"the server answers {(int)answer.StatusCode} {answer.ReasonPhrase}", null,
                answer.StatusCode);
        if (answer.StatusCode != HttpStatusCode.PartialContent)
            return (0, answer.Content.Headers.ContentLength);
        ContentRangeHeaderValue? range = answer.Content.Headers.ContentRange;
        if (asked is null || range?.From != asked)
        {
            Discard(partial);
            throw new HttpRequestException("the server sends another part than was asked for");
        }
        return asked > 0 ? (asked.Value, range!.Length) : (0, answer.Content.Headers.ContentLength);
    }

    // The most bytes that are taken.
    private long Most(PublishedFile file, Uri address, long? promised)
    {
        long most = Math.Min(options.MaxBytes, file.Bytes ?? options.MaxBytes);
        return promised > most || (file.Bytes is { } known && promised is { } said && said != known)
            ? throw new DatasetException(
                DatasetFault.Damaged, $"{address}", "the server offers a file of another length", $"{promised} bytes",
                file.Bytes is { } b ? $"{b}" : $"at most {most}",
                "It is not the published file; nothing of it was taken.")
            : most;
    }

    // Writes a body behind what is there and returns the length of all of it, on the disk; or TooMuch.
    private async Task<long> AppendAsync(
        Stream body, string partial, long start, long most, CancellationTokenSource idle, Action<long> report)
    {
        await using var target = new FileStream(partial, FileMode.Append, FileAccess.Write, FileShare.Read,
            BufferBytes);
        byte[] buffer = new byte[BufferBytes];
        long done = start;
        while (true)
        {
            idle.CancelAfter(options.Patience);
            int got = await ReadAsync(body, buffer, idle.Token).ConfigureAwait(false);
            if (got == 0)
                break;
            if (done + got > most)
                return TooMuch;
            await target.WriteAsync(buffer.AsMemory(0, got), options.Cancel).ConfigureAwait(false);
            done += got;
            report(done);
        }

        await target.FlushAsync(options.Cancel).ConfigureAwait(false);
        target.Flush(flushToDisk: true);
        return done;
    }

    // A connection that is reset comes as a plain IOException, as a full disk does; only the first is worth another attempt.
    private static async Task<int> ReadAsync(Stream body, byte[] buffer, CancellationToken cancel)
    {
        try
        {
            return await body.ReadAsync(buffer, cancel).ConfigureAwait(false);
        }
        catch (IOException e) when (e is not HttpIOException)
        {
            throw new HttpIOException(HttpRequestError.ConnectionError, e.Message, e);
        }
    }

    /// <summary>What keeps a file from being the published one, or null.</summary>
    public static string? WhatIsWrong(PublishedFile file, string path)
    {
        long length = new FileInfo(path).Length;
        if (file.Bytes is { } bytes && bytes != length)
            return $"{length} bytes instead of {bytes}";
        if (file.Md5 is not { } expected)
            return null;
        using var stream = File.OpenRead(path);
#pragma warning disable CA5351 // It tells damage and mix-ups; the publishers give no stronger sum.
        string md5 = Convert.ToHexStringLower(MD5.HashData(stream));
#pragma warning restore CA5351
        return md5 == expected ? null : $"MD5 {md5} instead of {expected}";
    }

    private static void CheckAndName(PublishedFile file, Uri address, string partial, string path)
    {
        string? wrong = WhatIsWrong(file, partial);
        if (wrong is not null)
        {
            Discard(partial);
            throw new DatasetException(
                DatasetFault.Damaged, $"{address}",
                $"what was sent is not the published file ({wrong}) and was deleted",
                fix: "Call again; if it stays so, get the file elsewhere.");
        }

        File.Move(partial, path, overwrite: true);
        File.Delete(partial + ".tag");
    }

    private static void Discard(string partial)
    {
        File.Delete(partial);
        File.Delete(partial + ".tag");
    }

    private static DatasetException NotReached(PublishedFile file, Uri address, string partial, Exception e)
    {
        long have = File.Exists(partial) ? new FileInfo(partial).Length : 0;
        return new DatasetException(
            DatasetFault.NotReached, $"{address}", $"the file cannot be downloaded ({Reason(e)})",
            fix: have > 0
                ? $"{have} bytes are kept in {partial}: the same command goes on from there."
                : $"Check the connection, or put {file.Name} into {Path.GetDirectoryName(partial)} yourself.",
            innerException: e);
    }

    private static string Reason(Exception e) => e is OperationCanceledException or TimeoutException
        ? "the server sent nothing for too long"
        : (e.InnerException is { } inner && e is HttpRequestException { StatusCode: null } ? inner
            : e).Message.TrimEnd('.');
}
