draft-policy = Policy { $what }: what it would have done
draft-entry = { $what }: what it would have done
draft-too-many = Several of your replays are still under way. Wait until one is done.
draft-outcome = { $count ->
    [one] What it would have done in the last day
   *[other] What it would have done in the last { $count } days
}
draft-cannot = What is kept of past mail holds neither links nor files, so what this entry would have done cannot be told.
draft-failed = The replay did not come to its end. Change the draft and look again, or save it without looking.
draft-running = { $count } receipts read so far.
draft-progress = How far the replay is
draft-look-again = Look again
draft-changed = { $count ->
    [0] Nothing would have changed
    [one] 1 recipient's mail would have changed
   *[other] { $count } recipients' mails would have changed
}
draft-read = { $count ->
    [one] One mail was decided about again.
   *[other] { $count } mails were decided about again.
}
draft-complete = These are all there are.
draft-incomplete = There are more: it was read back to { $what }.
draft-unreadable = { $count } could not be read by this version.
draft-counts = What would have changed
draft-col-was = What was done
draft-col-would = What would have been done
draft-col-count = How many
draft-col-time = Received
draft-col-sender = Sender
draft-col-subject = Subject
draft-col-recipient = Recipient
draft-no-subject = (no subject)
draft-list = { $count ->
    [one] The mail
   *[other] The latest { $count }
}
draft-save-policy = Save this policy
draft-save-entry = Save this entry
draft-change = Change the draft
draft-drop = Do not save
draft-saved-already = This draft was saved.
