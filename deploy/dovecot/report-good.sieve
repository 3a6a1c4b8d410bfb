# A person moved a mail out of Junk: it is reported as good, unless it was thrown away.
require ["vnd.dovecot.pipe", "copy", "imapsieve", "environment", "variables", "imap4flags"];

if hasflag :contains "$GatepostRemoved" { stop; }

if environment :matches "imap.mailbox" "*" { set "to" "${1}"; }
if string :is "${to}" ["Trash", "Deleted Items", "Deleted Messages", "Junk"] { stop; }

if environment :matches "imap.user" "*" { set "user" "${1}"; }
pipe :copy :try "gatepost-report" ["good", "${user}"];
