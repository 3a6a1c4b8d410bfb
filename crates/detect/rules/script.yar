// Scripts and shortcuts that fetch and start something.

rule script_fetches_and_starts
{
    strings:
        $shell = /(ActiveXObject|CreateObject)\s*\(\s*["'](WScript\.Shell|Shell\.Application)["']/ nocase
        $fetch = /["'](MSXML2\.(Server)?XMLHTTP(\.[0-9.]+)?|Microsoft\.XMLHTTP|WinHttp\.WinHttpRequest\.5\.1|ADODB\.Stream)["']/ nocase
    condition:
        $shell and $fetch
}

rule script_starts_hidden_command
{
    strings:
        $command = /powershell(\.exe)?["']?\s[^\r\n]{0,200}-w(in(dowstyle)?)?\s+(hidden|1)\b/ nocase
        $payload = /(-e(nc|ncodedcommand)?\s+[A-Za-z0-9+\/=]{40}|DownloadString|DownloadFile|Invoke-WebRequest|\biwr\b|\bIEX\b|Invoke-Expression)/ nocase
        $start = /(WScript\.Shell|Shell\.Application|@echo off|<script|ShellExecute|^\s*(start|call)\b)/ nocase
    condition:
        $command and $payload and $start
}

rule shortcut_starts_command
{
    strings:
        $link = { 4c 00 00 00 01 14 02 00 00 00 00 00 c0 00 00 00 00 00 00 46 }
        $program = /(powershell|cmd\.exe|mshta|wscript|cscript|rundll32|regsvr32|certutil|bitsadmin|curl\.exe)/ nocase ascii wide
        $argument = /(https?:|-e(nc|ncodedcommand)?\s|javascript:|\\\\[^\\\x00]{3,60}\\|\/c\s)/ nocase ascii wide
    condition:
        $link at 0 and $program and $argument
}

rule table_starts_program
{
    strings:
        $cell = /(^|[\r\n,;\t])["']?[=+@\-][^\r\n]{0,200}\b(cmd|powershell|pwsh|mshta|wscript|cscript|rundll32|regsvr32|msexcel)(\.exe)?\s?\|/ nocase
    condition:
        $cell
}
