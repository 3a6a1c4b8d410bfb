doctor-title = Recovery assistant
doctor-intro = Looks at the installation itself: settings, permissions, ports, disk, database, certificates, DNS, engines, backups, and whether the balance adds up. The command gatepost doctor does the same when the service does not start.
doctor-go = Look now
doctor-busy = Looking …
doctor-looked = Looked at everything.
doctor-never = Nobody looked since this server started.
doctor-none = No problem found
doctor-problems = { $count ->
    [one] One problem
   *[other] { $count } problems
}
doctor-repairs = { $count ->
    [one] One of them can be repaired safely on the machine:
   *[other] { $count } of them can be repaired safely on the machine:
}
doctor-wrong = What is wrong
doctor-wrong-none = Nothing.
doctor-rest = Everything else
doctor-would = The repair would:
doctor-bundle = Support bundle
doctor-bundle-intro = Settings without secrets, findings, versions, counts and the last log lines, for somebody who helps. It holds no mail, no body and no receipt. Look at it before you send it.
doctor-addresses = Leave mail and network addresses readable
doctor-addresses-hint = Otherwise they are hashed with a key that is not kept: the same address has the same hash within one bundle.
doctor-preview = Show what is inside
doctor-take = Download the bundle
doctor-inside = What is inside
doctor-not-here = The recovery assistant is not connected to this server. Use gatepost doctor on the machine.
doctor-too-long = This took too long. Use gatepost doctor on the machine.
doctor-article-name = gatepost doctor and the recovery assistant call this { $what }.
nav-operation = Service
nav-doctor = Recovery assistant
help-topic-doctor = The installation itself
help-kind-doctor = Installation
audit-doctor-examine = Installation looked at
audit-doctor-preview = Support bundle previewed
audit-doctor-bundle = Support bundle taken
doctor-repair = Repair
doctor-repair-sure = Shall Gatepost { $what }?
doctor-repaired = Repaired, and looked at everything again.
doctor-repair-gone = There is nothing to repair here any more. Look again.
audit-doctor-repair = Installation repaired
