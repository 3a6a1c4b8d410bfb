# Help.
help-title = Help
help-search = Search the help
help-find = Search
help-found = { $count ->
    [0] Nothing found
    [one] One article
   *[other] { $count } articles
}
help-none = No article has “{ $what }”. Try another word, a code from a reply such as 5.7.1, or the name of a check.
help-recommended = What people do first
help-topics = All topics
help-kind-article = Task
help-kind-check = Check
help-kind-cause = Cause
help-kind-problem = Problem
help-kind-refusal = Refusal
help-kind-setting = Settings
help-topic-article = Tasks, step by step
help-topic-cause = Causes: why mail does not do what it should
help-topic-check = Checks: what each one sees in mail
help-topic-refusal = Replies that refuse mail
help-topic-problem = Problems of pages and API
help-topic-setting = The settings file
help-group-attachment = Attachments
help-group-auth = Sender authentication
help-group-bulk = Bulk mail
help-group-connection = Connection
help-group-header = Header fields
help-group-mime = Structure of the message
help-group-content = Content
help-group-impersonation = Impersonation
help-group-link = Links
help-group-malware = Malware
help-group-spoof = Forged senders
help-both = Beside { $what }
help-one = One language only
help-other = This part in { $what }
help-related = See also
help-check-name = In receipts, rules and the API this check is called { $what }.
help-check-more = How much it weighs for a mail stands in the receipt of that mail, on its page in the trace.
help-problem-name = Programs know this problem by its type /help/problem/{ $what }.
help-refusal-title = Refused with { $what }
help-refusal-more = Every refusal is kept with the reply and what led to it: look for it in the trace under what was turned away.
help-turn-theirs = It is the turn of whoever sends: the same mail sent again unchanged is refused again.
help-turn-ours = It is the turn of whoever runs this service.
help-turn-nobody = Nobody has to do anything at first: servers try again by themselves.
help-setting-default = Default:
search-title = Search
search-mails = Mails with this in the subject
search-mails-none = No mail of late has this in its subject.
search-mails-more = Search in the trace
search-articles = Articles of the help
search-nothing = Write what you look for: an identifier, an address, a word of a subject, or a question.
