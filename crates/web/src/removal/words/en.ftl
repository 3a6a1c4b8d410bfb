# Removal after delivery: mail is taken out of mailboxes, and put back.
removal-title = Removals
removal-lead = Mail that was delivered and taken out of mailboxes afterwards. It is moved into a folder, never deleted, and can be put back.
removal-more = More about removal after delivery
removal-any = All
removal-find = Show
removal-empty = Nothing was removed from mailboxes. To remove a mail, open it in the message trace.
removal-col-time = Started
removal-col-state = State
removal-col-copies = Copies
removal-col-class = Seen as
removal-col-cause = Cause
removal-col-who = Started by
removal-col-note = Reason
removal-col-id = Identifier
removal-by-itself = Gatepost itself
removal-state-asks = Waits for a decision
removal-state-going = Approved
removal-state-refused = Decided against
removal-cause-person = A person
removal-cause-judged-again = Judged again
removal-cause-reports = Reported by people
removal-cause-entry = Blocked later
removal-note-reports = { $count ->
    [one] { $count } person reported it
   *[other] { $count } people reported it
}
removal-copy-listed = Listed
removal-copy-waiting = On its way
removal-copy-removed = Removed
removal-copy-gone = Not there
removal-copy-failed = Failed
removal-copy-refused = Left alone
removal-copy-returning = Being put back
removal-copy-returned = Put back
removal-copy-mail = Mail
removal-copy-recipient = Mailbox
removal-copy-text = What happened
removal-copy-since = Since
removal-said-gone = Its owner deleted it.
removal-said-in-trash = Its owner threw it away; it lies in the trash.
removal-said-in-junk = It lay in the junk folder already.
removal-moved = Moved from { $from } to { $to }.
removal-one = Removal of { $what }
removal-asked = A decision is needed
removal-rings = { $count ->
    [one] { $count } delivered copy turned out bad: remove it?
   *[other] { $count } delivered copies turned out bad: remove them?
}
removal-asks-listed = Nothing was touched yet: this is the list of what would be removed.
removal-asks-many = Nothing was touched yet: these are more copies than the connector allows at once.
removal-asks-share = Nothing was touched yet: this is an unusually large part of a day's mail.
removal-approve = { $count ->
    [one] Remove { $count } copy
   *[other] Remove { $count } copies
}
removal-refuse = Leave all where it is
removal-not-you = Somebody who may decide about held mail has to decide.
removal-put-all-back = Put everything back
removal-facts = About this removal
removal-decided-by = Decided by
removal-copies = Copies
removal-remove = Remove from mailboxes
removal-put-back = Put back into mailboxes
removal-nothing-here = There is nothing to remove: nothing of this mail was delivered into mailboxes that Gatepost can open, or all of it is being removed already.
removal-to-mail = Back to the mail
removal-would = { $count ->
    [one] It would be taken out of { $count } mailbox.
   *[other] It would be taken out of { $count } mailboxes.
}
removal-would-how = It is moved into a folder there, and you can put it back.
removal-what-is-it = What is it?
removal-alike = { $count ->
    [one] Also { $count } other mail of the last week with the same sender and subject
   *[other] Also { $count } other mails of the last week with the same sender and subject
}
removal-only-list = Only list what would be removed
removal-back = Leave it where it is
removal-before = What was done so far
removal-started = { $count ->
    [one] { $count } copy is being removed. Reload this page in a few seconds.
   *[other] { $count } copies are being removed. Reload this page in a few seconds.
}
removal-listed = { $count ->
    [one] { $count } copy is listed. Nothing is touched until somebody approves.
   *[other] { $count } copies are listed. Nothing is touched until somebody approves.
}
removal-approved = { $count ->
    [one] { $count } copy is being removed.
   *[other] { $count } copies are being removed.
}
removal-was-refused = Everything stays where it is.
removal-undone = { $count ->
    [one] { $count } copy is being put back.
   *[other] { $count } copies are being put back.
}
removal-nothing-to-undo = There is nothing to put back.
removal-not-asked = This removal does not wait for a decision any more.
removal-nothing-delivered = Nothing of this mail was delivered, or all of it is being removed already.
removal-out-of-reach = This mail was delivered through a connector without access to its mailboxes. Give the connector access first.
removal-one-organisation = Choose mails of one organisation.
removal-wrong-mails = Name between 1 and { $count } mails.
removal-wrong-cursor = This is not the identifier of a removal.
removal-wrong-class = Choose spam, phishing or malware.
removal-access = Access to mailboxes
removal-access-of = Access to the mailboxes behind { $what }
removal-access-lead = With it, Gatepost finds delivered mail in the mailboxes, moves it out of the way, and puts it back.
removal-where = Mailbox server
removal-protocol = Protocol
removal-protocol-hint = What the mailbox server speaks. Of the fields below, those of the other protocol are not used.
removal-protocol-imap = IMAP
removal-protocol-jmap = JMAP
removal-imap = IMAP server
removal-imap-hint = Such as imap.example.com or 192.0.2.9:993. Empty: delivered mail stays where it is.
removal-url = Address of the JMAP server
removal-url-hint = Such as https://box.example.com. Without a path, its session is looked for at the usual place.
removal-sign-in = Sign-in with JMAP
removal-sign-in-basic = User and password
removal-sign-in-bearer = Token; it goes into the field for the password
removal-security = Encryption of IMAP
removal-security-tls = TLS from the start
removal-security-starttls = TLS after STARTTLS
removal-security-off = None, on this machine only
removal-tls-name-hint = When it differs from the name of the server.
removal-pin-hint = Only this certificate is accepted, whoever signed it.
removal-user = User who may open every mailbox
removal-user-hint = With IMAP, a master user. With JMAP, one whom all mailboxes are shared with, or a name in which {"{"}mailbox{"}"} stands for the mailbox. Use one that is for Gatepost alone.
removal-password-hint = Kept sealed and never shown. Empty keeps the one that is set, as long as server and user stay.
removal-mailbox = Name of a mailbox
removal-mailbox-hint = What users of the mailbox server are called.
removal-mailbox-address = The whole address
removal-mailbox-local = What stands before the @
removal-detail = Separator of details
removal-detail-hint = With “+”, mail to li+shop@ lies in the mailbox of li@.
removal-junk = Folder for junk
removal-dangerous = Folder for phishing and malware
removal-dangerous-hint = Empty: the same folder. The mailbox server can keep people out of this one.
removal-when = When mail turns out bad
removal-automatic = What happens
removal-automatic-hint = Mail that people report, that you block later, or that is judged otherwise later.
removal-automatic-off = Nothing by itself
removal-automatic-ask = It is listed, and a person decides
removal-automatic-on = It is removed at once
removal-within = How long after delivery
removal-within-hint = Such as 2d or 36h; at most 7d.
removal-recheck = Judge again after
removal-recheck-hint = Such as “1h 1d”. Each delivered mail is then read from its mailbox and judged with what is known by then. Empty: never.
removal-rechecks = Mails judged again in an hour, at most
removal-moves = Look for what people move, every
removal-moves-hint = With JMAP, such as 10m: mail that people move into the folder for junk, or out of it, counts as their report. Only where the mailbox server moves nothing there on its own but what Gatepost marks. Empty: never.
removal-limits = Limits
removal-most = Copies at once without asking
removal-most-hint = More wait for a person.
removal-percent = Part of a day's mail without asking, percent
removal-pace = Copies moved in a minute, at most
removal-try = Try the access
removal-try-whose = Address with a mailbox there
removal-try-hint = The mailbox is opened and its folders are listed. Nothing in it is changed.
removal-tried-well = The mailbox opens
removal-tried-junk = The folder for junk is there.
removal-tried-no-junk = There is no folder for junk yet; it is made when it is needed.
removal-tried-folders = Folders: { $what }
removal-error-unreachable = The server cannot be reached
removal-error-tls = The encrypted connection fails
removal-error-sign-in = The server refuses user or password
removal-error-no-mailbox = This mailbox cannot be opened
removal-error-refused = The server refused a command
removal-error-no-move = The server cannot move single messages
removal-error-settings = The settings do not work
removal-error-garbled = The server does not speak this protocol
removal-wrong-imap = Write a host name or an address, with a port if it is not the usual one.
removal-wrong-url = Write an address such as https://box.example.com, without a user in it.
removal-wrong-url-port = Only https:// and its usual port 443 can be used here.
removal-wrong-port = Only the ports 143 and 993 can be used here.
removal-wrong-user = Name the user who may open every mailbox.
removal-wrong-password = Enter the password again: server or user are not the same any more.
removal-wrong-within = Write a time such as 2d or 36h, at most 7d.
removal-wrong-rechecks = Write up to four times such as “1h 1d”, each at most 7d.
removal-wrong-moves = Write a time such as 10m, from 1m to 1d, or nothing.
removal-wrong-folder = Name a folder other than the inbox.
removal-wrong-address = Enter an address of your organisation.
audit-removal-start = Removed mail from mailboxes
audit-removal-approve = Approved a removal from mailboxes
audit-removal-refuse = Decided against a removal from mailboxes
audit-removal-undo = Put mail back into mailboxes
audit-removal-try = Tried the access to mailboxes
