// Office documents that act. Written for this project; "weight" is in tenths of a natural log-odds, without it a match
// decides alone. "\x00view:vba" and "\x00view:office" start what was unpacked from a document (malware::views).

rule macro_starts_program
{
    strings:
        $view = "\x00view:vba\n"
        $auto = /(Auto_?(Open|Exec|Close|Exit|New)|Document_?(Open|Close|New|BeforeClose)|Workbook_?(Open|Activate|BeforeClose)|_(Layout|Resize|MouseHover|Painted)\b)/ nocase
        $shell = /\b(Shell\s*\(|Shell\s+["A-Za-z]|WScript\.Shell|Shell\.Application|ShellExecute|Win32_Process|CreateProcess[AW]?\b)/ nocase
        $program = /\b(powershell|pwsh|cmd(\.exe)?\s*\/[ck]|mshta|wscript|cscript|regsvr32|rundll32|certutil|bitsadmin)\b/ nocase
    condition:
        $view and $auto and $shell and $program
}

rule macro_fetches_program
{
    strings:
        $view = "\x00view:vba\n"
        $auto = /(Auto_?(Open|Exec|Close|Exit|New)|Document_?(Open|Close|New|BeforeClose)|Workbook_?(Open|Activate|BeforeClose))/ nocase
        $fetch = /(URLDownloadToFile|MSXML2\.(Server)?XMLHTTP|WinHttp\.WinHttpRequest|Microsoft\.XMLHTTP|Net\.WebClient)/ nocase
        $write = /(ADODB\.Stream|SaveToFile|URLDownloadToFile|Shell|CreateObject)/ nocase
    condition:
        $view and $auto and $fetch and $write
}

rule macro_starts_by_itself
{
    meta:
        weight = 15 // firms use such macros too, more often than not for harmless things
    strings:
        $view = "\x00view:vba\n"
        $auto = /(Auto_?(Open|Exec|Close|Exit)|Document_?(Open|Close|BeforeClose)|Workbook_?(Open|BeforeClose))/ nocase
        $reach = /\b(Shell|CreateObject|GetObject|CallByName|Environ|Chr\s*\(|StrReverse|Declare\s+(PtrSafe\s+)?(Function|Sub))/ nocase
    condition:
        $view and $auto and $reach
}

rule document_runs_encoded_command
{
    strings:
        $command = /(powershell|pwsh)(\.exe)?["']?(\s|%20){1,4}[^\r\n<>]{0,120}-e[a-z]{0,14}(\s|%20){1,4}["']?[A-Za-z0-9+\/=]{40}/ nocase ascii wide
        $view = "\x00view:"
        $ole = { d0 cf 11 e0 a1 b1 1a e1 }
        $rtf = "{\\rt"
    condition:
        $command and ($ole at 0 or $rtf at 0 or for any i in (1..#view) : (@view[i] == 0))
}

rule dde_starts_program
{
    strings:
        $view = "\x00view:office\n"
        $link = /ddeService="(cmd|powershell|mshta|wscript|cscript|msexcel|rundll32|regsvr32)"/ nocase
        $field = /\bDDE(AUTO)?\b[^\x00]{0,400}(cmd(\.exe)?|powershell|mshta|wscript|cscript|regsvr32|rundll32)/ nocase
        $rtf = "{\\rt"
    condition:
        ($view at 0 and ($link or $field)) or ($rtf at 0 and $field)
}

rule slide_starts_program
{
    strings:
        $view = "\x00view:office\n"
        $target = /Target="(file:\/\/\/)?[^"]{0,100}\b(cmd|powershell|mshta|wscript|cscript|regsvr32|rundll32)(\.exe)?(%20|\s)/ nocase
    condition:
        $view at 0 and $target
}

rule document_loads_template
{
    meta:
        weight = 20 // a template from the internet brings macros along; a few firms keep theirs on a web server
    strings:
        $view = "\x00view:office\n"
        $template = /relationships\/attachedTemplate"[^>]{0,200}Target="https?:/ nocase
        $reversed = /Target="https?:[^"]{1,400}"[^>]{0,100}relationships\/attachedTemplate"/ nocase
    condition:
        $view at 0 and ($template or $reversed)
}

rule document_loads_object
{
    meta:
        weight = 20 // a linked object is fetched when the document opens; firms link files of their own disk, not of the internet
    strings:
        $view = "\x00view:office\n"
        $object = /relationships\/(oleObject|frame|subDocument)"[^>]{0,200}Target="(https?:|\\\\|file:\/\/[^\/]|ftp:|mhtml:)/ nocase
        $reversed = /Target="(https?:|\\\\|file:\/\/[^\/]|ftp:|mhtml:)[^"]{1,400}"[^>]{0,100}relationships\/(oleObject|frame|subDocument)"/ nocase
    condition:
        $view at 0 and ($object or $reversed)
}

rule program_in_document
{
    strings:
        $dos = "This program cannot be run in DOS mode"
        $dos_hex = "546869732070726f6772616d2063616e6e6f742062652072756e20696e20444f53206d6f6465" nocase
        $view = "\x00view:"
        $ole = { d0 cf 11 e0 a1 b1 1a e1 }
        $rtf = "{\\rt"
        $word = "W\x00o\x00r\x00d\x00D\x00o\x00c\x00u\x00m\x00e\x00n\x00t"
        $excel = "W\x00o\x00r\x00k\x00b\x00o\x00o\x00k"
        $slides = "P\x00o\x00w\x00e\x00r\x00P\x00o\x00i\x00n\x00t\x00 \x00D"
    condition:
        ($rtf at 0 and ($dos or $dos_hex)) or ($view at 0 and $dos) or ($ole at 0 and $dos and any of ($word, $excel, $slides)) // installers are OLE files too
}

rule rtf_equation_object
{
    strings:
        $rtf = "{\\rt"
        $equation = "4571756174696f6e2e33" nocase // Equation.3, the editor with a hole that is never patched
        $class = { 02 ce 02 00 00 00 00 00 c0 00 00 00 00 00 00 46 }
        $class_hex = "02ce020000000000c000000000000046" nocase
    condition:
        $rtf at 0 and ($equation or $class or $class_hex)
}

rule rtf_updates_object
{
    meta:
        weight = 30 // loads its object without asking; no word processor writes this by itself
    strings:
        $rtf = "{\\rt"
        $update = "\\objupdate"
        $data = "\\objdata"
    condition:
        $rtf at 0 and $update and $data
}

rule package_holds_program
{
    strings:
        $native = "\x01\x00O\x00l\x00e\x001\x000\x00N\x00a\x00t\x00i\x00v\x00e"
        $name = /[\x20-\x7e]{1,200}\.(exe|scr|js|jse|vbs|vbe|wsf|hta|bat|cmd|ps1|lnk|pif|com)\x00/ nocase
    condition:
        $native and $name
}
