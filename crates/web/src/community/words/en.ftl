community-title = Community
community-intro = Ask others who work with Gatepost, and help where you know the answer. An answer that helped is found by the next who asks the same.
community-ask = Ask a question
community-sign-in = Sign in to take part
community-moderation = Moderation
community-spaces = Spaces
community-feed = Feed of new questions (Atom)
community-find = Search questions
community-all-spaces = All spaces
community-which = Which questions
community-newest = Newest
community-unanswered = Unanswered
community-mine = Mine
community-followed = Followed
community-all = All questions
community-any-tag = Any tag
community-found = { $count ->
    [one] One question found.
   *[other] { $count } questions found.
}
community-found-none = No question about “{ $what }”. Ask it: somebody may know.
community-found-question = Question
community-found-solution = Solution
community-found-article = Article
community-no-spaces = There is no space to ask in yet. Who runs this service can make one.
community-first-space = Make the first space
community-empty = No questions here.
community-solved = Solved
community-duplicate = Asked before
community-no-answers = No answer yet
community-answers = { $count ->
    [0] No answers
    [one] One answer
   *[other] { $count } answers
}
community-score = { $count ->
    [one] One vote
   *[other] { $count } votes
}
community-similar = { $count ->
    [0] Nothing similar was found.
    [one] One thing may help:
   *[other] { $count } things may help:
}

community-ask-text = Say what you did, what you expected and what happened instead. Leave out names, addresses and passwords.
community-where = Where
community-is-public = Everybody on the Internet can read it
community-is-private = Everybody who signs in here can read it
community-is-own = Only people of your organisation can read it
community-question = Your question in one sentence
community-question-hint = As you would ask a colleague.
community-body = Details
community-body-hint = Markdown: *emphasis*, `code`, lists, quotes and links. No HTML, no pictures.
community-may-help = May already help
community-before = Before you post
community-before-text = These may already answer it. If none does, post your question at the end of this page.
community-tags = Tags
community-tags-hint = Up to five words, such as: dkim connector
community-post = Post question
community-post-anyway = None of these helps: post my question
community-asked = Your question is posted. You are told when somebody answers.
community-is-held = Thank you. The spam check wants a moderator to look at it first; you are told what becomes of it.

community-kind-question = Question
community-kind-answer = Answer
community-kind-comment = Comment
community-state-held = Waits for a moderator
community-state-removed = Taken out
community-state-withdrawn = Withdrawn by its writer
community-held-own = Only you and moderators see it.
community-held-spam = The spam check gives it { $count } % to be junk.
community-held-links = It has { $count } links.
community-staff-operator = Operator
community-staff-support-engineer = Support
community-staff-account-manager = Account manager
community-edits = { $count ->
    [one] edited once
   *[other] edited { $count } times
}
community-reports = { $count ->
    [one] One open report
   *[other] { $count } open reports
}
community-edit = Edit
community-edit-of = Edit what { $what } wrote
community-report = Report
community-report-of = Report what { $what } wrote
community-withdraw = Withdraw
community-withdraw-ask = Withdraw this?
community-withdraw-text = Nobody but moderators will see it any more. You cannot bring it back yourself.
community-withdrawn = Withdrawn.
community-moderate = Moderate
community-why = Why (the writer reads this)
community-remove = Take out
community-show = Show it
community-useful = Useful
community-useless = Not useful
community-comments = Comments
community-comment = Comment on this
community-comment-words = Your comment
community-comment-post = Post comment
community-locked = Locked
community-duplicate-of = This was asked before:
community-has-article = An answer became a solution:
community-article-open = Read the solution
community-follow = Follow
community-unfollow = Stop following
community-follows = You follow this question.
community-follows-not = You do not follow this question any more.
community-moderate-question = Moderate the question
community-lock = Lock
community-unlock = Unlock
community-close = Close as asked before
community-close-of = Address of the question it repeats
community-reopen = Open again
community-answer-of = Answer of { $what }
community-is-accepted = This answer helped
community-accept = This answer helped
community-unaccept = Did not help after all
community-accepted = Thank you: others see which answer helped.
community-unaccepted = The answer is not marked any more.
community-nobody-answered = Nobody has answered yet.
community-your-answer = Your answer
community-answer-words = What helps
community-answer = Post answer
community-answered = Your answer is posted.
community-commented = Your comment is posted.
community-voted = Your vote counts.
community-over = Nothing more can be written here: it is locked, closed, or the space is.
community-edited = Saved. The earlier version stays in the history.
community-edit-text = Everybody can see in the history what was changed.
community-edit-why = What did you change?
community-save = Save
community-history = History
community-never-edited = It was never edited.
community-written = First written
community-change-added = Added:
community-change-removed = Removed:

community-report-title = Report to moderators
community-report-text = Moderators look at what you report. Whoever wrote it does not learn who you are.
community-report-why = What is wrong with it?
community-report-words = Anything more
community-reason-spam = It is advertising or a trap
community-reason-rude = It is rude or hurts somebody
community-reason-private = It shows what is private, such as addresses or passwords
community-reason-wrong-place = It does not belong here
community-reason-other = Something else
community-reported = Thank you. A moderator looks at it.
community-reported-already = You reported it already; a moderator looks at it.
community-moderation-text = What readers reported, and what the spam check holds. The oldest come first.
community-moderation-empty = Nothing waits.
community-removed-lately = Taken out lately
community-decided = Done. The writer is told.
community-article = Make it a solution
community-article-text = What you publish here is shown to whoever describes the same to support, in every organisation. Look it over: no names, no addresses.
community-article-publish = Publish
community-published = Published, and linked with the question.
community-no-article = Only an answer that everybody of the installation may read can become a solution.
community-from-question = It came from a question of the community:

community-spaces-text = A space says who reads: everybody, everybody who signs in, or one organisation.
community-spaces-none = No spaces yet. Make the first below.
community-pick-public = Public
community-pick-all = Everybody who signs in
community-closed = Closed
community-new-space = New space
community-change-space = Change “{ $what }”
community-space-title = Title
community-space-name = Name in addresses
community-space-name-hint = Small letters, digits and dashes. It stays as it is.
community-space-about = What is asked here
community-space-whose = Who reads and writes
community-space-whose-hint = It stays as it is: what people write, they write for these readers.
community-space-public = Everybody on the Internet reads it
community-space-public-hint = Also what was written before. Only who signs in writes.
community-space-closed = Nothing more is written
community-space-kept = “{ $what }” is saved.

community-told-answer = New answer to “{ $what }”
community-told-comment = New comment on “{ $what }”
community-told-accepted = Your answer to “{ $what }” helped
community-told-edited = A moderator edited what you wrote in “{ $what }”
community-told-closed = “{ $what }” was closed
community-told-removed = A moderator took out what you wrote in “{ $what }”
community-told-shown = What you wrote in “{ $what }” is shown
community-letter-from = Gatepost community
community-letter-subject = Community: { $what }
community-letter-end = You get this because you follow the question. Stop following on its page, or choose under the bell what letters you want.

community-wrong-title = Ask in a sentence of at least ten letters.
community-wrong-body = Write something.
community-wrong-long = At most { $count } characters.
community-wrong-tag = A tag has letters, digits, dashes and points, at most { $count } of them.
community-wrong-tags = At most { $count } tags.
community-wrong-space = Choose where to ask.
community-wrong-vote = A vote is 1, -1 or 0.
community-wrong-reason = Choose what is wrong with it.
community-wrong-words = Say what is wrong.
community-wrong-verb = Choose what to do.
community-wrong-why = Say why: whoever wrote it reads this.
community-wrong-duplicate = Give the address of another question that is open and that the same readers can read.
community-wrong-name = Small letters, digits and dashes, at most { $count }.
community-wrong-space-title = Give it a title.
community-wrong-organisation = There is no such organisation.
community-wrong-public = A space of one organisation is not public.
community-wrong-follow = Say whether to follow.
community-name-taken = Another space has this name.
community-no-vote = Votes are for questions and answers of others.
community-no-answer = Only an answer that is shown can be marked.
community-has-answers = It has answers already, which belong to others. Ask a moderator.
community-gone = It is not shown any more.
community-full = There is no room for more here.

audit-community-ask = Asked in the community
audit-community-answer = Answered in the community
audit-community-comment = Commented in the community
audit-community-edit = Edited a post of the community
audit-community-vote = Voted in the community
audit-community-accept = Marked the answer that helped
audit-community-withdraw = Withdrew a post of the community
audit-community-report = Reported a post of the community
audit-community-show = Let a post of the community be shown
audit-community-remove = Took out a post of the community
audit-community-lock = Locked or unlocked a question of the community
audit-community-close = Closed or reopened a question of the community
audit-community-publish = Published an answer of the community as a solution
audit-community-space = Made or changed a space of the community
