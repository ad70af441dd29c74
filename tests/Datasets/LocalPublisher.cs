using System.Net;
using System.Net.Sockets;
using System.Text;

namespace InfMatch.Tests.Datasets;

/// <summary>How well or badly a request is answered.</summary>
public enum Behaviour
{
    Good,
    CutInTheMiddle,
    ResetInTheMiddle,
    CutBeforeTheHead,
    Silent,
    SilentInTheMiddle,
    PromisesMore,
    PromisesLess,
    SaysNoLength,
    IgnoresRange,
    WrongBytes,
    OtherRange,
    NotFound,
    Broken,
    Redirects,
    RedirectsForEver,
    Endless,
    NewVersion,
}

/// <summary>
/// An HTTP server on this machine that answers one request a connection, as well or as badly as it is told: each
/// request takes the next behaviour of the list, the last one stays.
/// </summary>
internal sealed class LocalPublisher : IDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _end = new();
    private readonly Dictionary<string, byte[]> _files;
    private readonly Task _loop;
    private int _served;

    public LocalPublisher(Dictionary<string, byte[]> files, params Behaviour[] behaviours)
    {
        (_files, Behaviours) = (files, [.. behaviours]);
        _listener.Start();
        Site = new Uri($"http://127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}/");
        _loop = Task.Run(ServeAsync);
    }

    public List<Behaviour> Behaviours { get; }

    public Uri Site { get; }

    /// <summary>Called when a request is read that will not be answered.</summary>
    public Action? KeepsSilent { get; set; }

    /// <summary>The Range header of each request, or "-".</summary>
    public List<string> Ranges { get; } = [];

    public void Dispose()
    {
        _end.Cancel();
        _listener.Stop();
        _loop.Wait(TimeSpan.FromSeconds(10));
        _listener.Dispose();
        _end.Dispose();
    }

    private async Task ServeAsync()
    {
        while (!_end.IsCancellationRequested)
        {
            TcpClient client;
            try
            {
                client = await _listener.AcceptTcpClientAsync(_end.Token);
            }
            catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
            {
                return;
            }

            _ = Task.Run(async () =>
            {
                using (client)
                {
                    try
                    {
                        await AnswerAsync(client);
                    }
                    catch (Exception e) when (e is IOException or SocketException or OperationCanceledException)
                    {
                        // The other side has left, which is its good right.
                    }
                }
            });
        }
    }

    private async Task AnswerAsync(TcpClient client)
    {
        NetworkStream stream = client.GetStream();
        var head = new StringBuilder();
        byte[] one = new byte[1];
        while (!head.ToString().EndsWith("\r\n\r\n", StringComparison.Ordinal)
            && await stream.ReadAsync(one, _end.Token) == 1)
            head.Append((char)one[0]);
        string[] lines = head.ToString().Split("\r\n");
        if (lines[0].Length == 0)
            return;
        string path = lines[0].Split(' ')[1].TrimStart('/');
        string? Value(string name) => lines.FirstOrDefault(l =>
            l.StartsWith(name, StringComparison.OrdinalIgnoreCase))?[name.Length..].Trim();
        Behaviour behaviour = Behaviours[Math.Min(_served++, Behaviours.Count - 1)];
        string? range = Value("Range:"), ifRange = Value("If-Range:");
        Ranges.Add(range ?? "-");
        if (path.StartsWith("moved/", StringComparison.Ordinal))
            (path, behaviour) = (path[6..], Behaviour.Good);
        if (behaviour == Behaviour.CutBeforeTheHead)
            return;
        if (behaviour == Behaviour.Silent)
        {
            KeepsSilent?.Invoke();
            await Task.Delay(Timeout.Infinite, _end.Token);
            return;
        }

        if (behaviour is Behaviour.Redirects or Behaviour.RedirectsForEver)
        {
            string to = behaviour == Behaviour.Redirects ? $"moved/{path}" : path;
            await HeadAsync(stream, $"302 Found\r\nLocation: {Site}{to}\r\nContent-Length: 0");
            return;
        }

        if (behaviour is Behaviour.NotFound or Behaviour.Broken || !_files.TryGetValue(path, out byte[]? file))
        {
            await HeadAsync(stream, (behaviour == Behaviour.Broken ? "500 Broken" : "404 Not Found") +
                "\r\nContent-Length: 0");
            return;
        }

        if (behaviour == Behaviour.WrongBytes)
            file = [.. file.Select(b => (byte)(b ^ 1))];
        string tag = behaviour == Behaviour.NewVersion ? "\"2\"" : "\"1\"";
        long from = range is null || behaviour == Behaviour.IgnoresRange || (ifRange is not null && ifRange != tag)
            ? 0 : long.Parse(range["bytes=".Length..^1]);
        if (from > 0 && from >= file.Length)
        {
            await HeadAsync(stream, $"416 No\r\nContent-Range: bytes */{file.Length}\r\nContent-Length: 0");
            return;
        }

        if (behaviour == Behaviour.OtherRange)
            from++;
        byte[] rest = file[(int)from..];
        int half = rest.Length / 2;
        string length = behaviour switch
        {
            Behaviour.PromisesMore => $"Content-Length: {rest.Length + 10}\r\n",
            Behaviour.PromisesLess => $"Content-Length: {rest.Length - 10}\r\n",
            Behaviour.SaysNoLength or Behaviour.Endless => "",
            _ => $"Content-Length: {rest.Length}\r\n",
        };
        await HeadAsync(
            stream,
            (from > 0 ? $"206 Part\r\nContent-Range: bytes {from}-{file.Length - 1}/{file.Length}" : "200 OK") +
            $"\r\n{length}ETag: {tag}");
        if (behaviour == Behaviour.Endless)
        {
            while (!_end.IsCancellationRequested)
                await stream.WriteAsync(new byte[1 << 16], _end.Token);
        }

        bool stops = behaviour is Behaviour.CutInTheMiddle or Behaviour.ResetInTheMiddle or Behaviour.SilentInTheMiddle;
        await stream.WriteAsync(stops ? rest.AsMemory(0, half) : rest, _end.Token);
        if (behaviour == Behaviour.ResetInTheMiddle)
        {
            await Task.Delay(TimeSpan.FromSeconds(1), _end.Token); // a reset takes what a busy reader has not read yet
            client.LingerState = new LingerOption(true, 0);
            client.Client.Close(); // by itself: the stream would end the connection in order first
            return;
        }

        if (behaviour == Behaviour.SilentInTheMiddle)
            await Task.Delay(Timeout.Infinite, _end.Token);
    }

    private static async Task HeadAsync(NetworkStream stream, string head) =>
        await stream.WriteAsync(Encoding.ASCII.GetBytes($"HTTP/1.1 {head}\r\nConnection: close\r\n\r\n"));
}
