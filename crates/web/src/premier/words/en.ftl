premier-advice = Hours of advice
premier-advice-none = No hours of advice are agreed or bought.
premier-left = Left
premier-left-month = Of this month’s, left
premier-owed = Used beyond that
premier-lapsed = Ended unused
premier-bought = Bought
premier-used = used
premier-until = until
premier-over = over
premier-uses = Used
premier-posture = How you stand
premier-mails = Mails judged
premier-unwanted = Found unwanted
premier-false-positives = False positives that were reported
premier-false-rate = False positives of what was found unwanted
premier-missed = Unwanted mail that was let through and reported
premier-dmarc-passed = Mail in your name that passed DMARC, as others report
premier-tls-passed = Connections to you over TLS that succeeded, as others report
premier-no-domains = No domain was looked at yet.
premier-check-spf = SPF
premier-check-dkim = DKIM
premier-check-dmarc = DMARC
premier-check-mta-sts = TLS: MTA-STS
premier-check-tls-rpt = TLS: reports
premier-check-dane = TLS: DANE
premier-check-mx = MX
premier-checks = Health checks
premier-next = The next one is on
premier-last = The last one was on
premier-looked =
    { $count ->
        [one] One domain was looked at.
       *[other] { $count } domains were looked at.
    }
premier-open =
    { $count ->
        [0] Nothing is open.
        [one] One finding is open.
       *[other] { $count } findings are open.
    }
premier-no-checks = None was done yet.
premier-finding-open = Open
premier-finding-fixed = Fixed
premier-finding-accepted = Accepted as it is
premier-since = since
premier-why = Why
premier-accept = Accept as it is
premier-reopen = Open again
premier-manage = Account management
premier-manage-of = Account management: { $what }
premier-take-back = Take back
premier-take-back-of = Take back: { $what }
premier-use = Note hours that were used
premier-minutes = Minutes
premier-what = What for
premier-whom = With whom of the organisation
premier-day = Day
premier-day-hint = Empty: today.
premier-buy = Add hours that were bought
premier-order = Order or invoice
premier-from = From (empty: today)
premier-last-day = Last day
premier-every =
    { $count ->
        [one] every day
       *[other] every { $count } days
    }
premier-state-planned = Planned
premier-state-running = Running
premier-state-done = Done
premier-state-cancelled = Cancelled
premier-cancel = Cancel
premier-due = On (empty: now)
premier-every-days = Again after days
premier-every-hint = 0: once. Every domain is looked at; what is found stays open until a later check finds it fixed or the organisation accepts it.
premier-plan-check = Plan a health check
premier-found = What was found
premier-found-hidden = The organisation decides whether support sees this: with its consent to look at settings, given on one of its requests.
premier-found-none = Nothing.
premier-check-letter = The health check of { $what } is done.
premier-wrong-minutes = Write a number of minutes.
premier-wrong-what = Say what it is, in at most 500 characters.
premier-wrong-whom = Say with whom, in at most 500 characters.
premier-wrong-day = Write a day as 2026-11-24.
premier-wrong-until = The last day is to come, and not before the first.
premier-wrong-days = From 0 to 366 days.
premier-wrong-why = Say why, in at most 500 characters.
premier-not-planned = This check is not planned any more.
premier-satisfaction = Satisfaction
premier-mean = Stars on average: { $what }
premier-root-cause = Report with the root cause
audit-premier-buy = Added hours of advice
audit-premier-use = Noted hours of advice that were used
audit-premier-take-back = Took back hours of advice noted by mistake
audit-premier-plan = Planned a health check
audit-premier-cancel = Cancelled a health check
audit-premier-finding = Decided about a finding of a health check
