// The agreed test file of the anti-virus industry. Harmless, and treated like malware on purpose.

rule eicar
{
    strings:
        $string = "X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*" ascii wide
    condition:
        $string
}

// Macros and scripts put the string together from parts, so that the document itself is not the test file.
rule eicar_in_parts
{
    strings:
        $part = "EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*" ascii wide
        $view = "\x00view:"
        $ole = { d0 cf 11 e0 a1 b1 1a e1 }
    condition:
        $part and (for any i in (1..#view) : (@view[i] == 0) or $ole at 0)
}
