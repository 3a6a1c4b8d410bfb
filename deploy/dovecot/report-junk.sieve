# A person moved a mail into Junk: it is reported as junk. What Gatepost moves there itself carries a flag of its own.
require ["vnd.dovecot.pipe", "copy", "imapsieve", "environment", "variables", "imap4flags"];

if hasflag :contains "$GatepostRemoved" { stop; }

if environment :matches "imap.user" "*" { set "user" "${1}"; }
pipe :copy :try "gatepost-report" ["junk", "${user}"];
