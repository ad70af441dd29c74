# Starts InfMatch.Native. Builds it first where nothing is built, or a source is newer than the build.
$root = $PSScriptRoot
$program = Join-Path $root 'Distill/bin/Release/net10.0/InfMatch.Distill.dll'
$stamp = Join-Path $root 'Distill/obj/infmatch.stamp'

function Test-Stale {
    if (-not ((Test-Path $program) -and (Test-Path $stamp))) { return $true }
    $built = (Get-Item $stamp).LastWriteTimeUtc
    foreach ($file in [IO.Directory]::EnumerateFiles($root, '*.props')) {
        if ([IO.File]::GetLastWriteTimeUtc($file) -gt $built) { return $true }
    }
    foreach ($project in Get-ChildItem $root -Directory -Exclude tests, benchmarks, samples) {
        if (-not (Get-ChildItem $project -Filter *.csproj)) { continue }
        foreach ($path in [IO.Directory]::EnumerateFiles($project.FullName, '*', 'AllDirectories')) {
            if ($path -notmatch '[\\/](bin|obj)[\\/]' -and [IO.File]::GetLastWriteTimeUtc($path) -gt $built) { return $true }
        }
    }
    return $false
}

if (Test-Stale) {
    [Console]::Error.WriteLine('Building InfMatch.Native; the first time takes about a minute.')
    $began = [DateTime]::UtcNow
    $log = dotnet build (Join-Path $root 'Distill') -c Release -v q -nologo -nodeReuse:false 2>&1
    if ($LASTEXITCODE -ne 0) {
        $log | ForEach-Object { [Console]::Error.WriteLine($_) }
        [Console]::Error.WriteLine('infmatch: the build failed.')
        exit 1
    }
    [IO.File]::WriteAllText($stamp, '')
    [IO.File]::SetLastWriteTimeUtc($stamp, $began)
}

$env:INFMATCH_PROGRAM = './infmatch'
& dotnet $program @args
exit $LASTEXITCODE
