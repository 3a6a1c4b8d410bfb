// PDF documents that act. "\x00view:pdf" starts what was unpacked from a document (malware::views).

rule pdf_launches_program
{
    strings:
        $pdf = "%PDF-"
        $view = "\x00view:pdf\n"
        $launch = /\/S\s*\/Launch\b/
        $program = /\/(F|P|Win)\b[^\x00]{0,200}(cmd|powershell|mshta|wscript|cscript)(\.exe)?\b/ nocase
    condition:
        ($pdf in (0..1024) or $view at 0) and $launch and $program
}

rule pdf_launches
{
    meta:
        weight = 25 // readers warn, people click
    strings:
        $pdf = "%PDF-"
        $view = "\x00view:pdf\n"
        $launch = /\/S\s*\/Launch\b/
    condition:
        ($pdf in (0..1024) or $view at 0) and $launch
}

rule pdf_script_at_start
{
    meta:
        weight = 10 // forms check their fields this way
    strings:
        $pdf = "%PDF-"
        $view = "\x00view:pdf\n"
        $open = /\/(OpenAction|AA)\b/
        $script = /\/(JS|JavaScript)\b/
    condition:
        ($pdf in (0..1024) or $view at 0) and $open and $script
}

rule pdf_script_of_an_exploit
{
    meta:
        weight = 35 // calls that exploits need and forms do not
    strings:
        $pdf = "%PDF-"
        $view = "\x00view:pdf\n"
        $script = /\/(JS|JavaScript)\b/
        $call = /(util\.printf\s*\(\s*\\?"%[0-9]{4,}|Collab\.(collectEmailInfo|getIcon)|media\.newPlayer|spell\.customDictionaryOpen|unescape\s*\(\s*\\?["']%u[0-9a-f]{4}%u)/ nocase
    condition:
        ($pdf in (0..1024) or $view at 0) and $call and ($script or $view at 0)
}
