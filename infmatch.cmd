@rem Starts InfMatch.Native from cmd; see infmatch.ps1.
@powershell -NoProfile -ExecutionPolicy Bypass -File "%~dp0infmatch.ps1" %*
@exit /b %ERRORLEVEL%
