-- Since when the senders of a domain are signed (BATV): bounces of what left before carry no signature.
CREATE TABLE signed_domain (
    domain TEXT PRIMARY KEY,
    since_ms BIGINT NOT NULL
) /*sqlite WITHOUT ROWID*/;

-- Senders that may not send out for now: over a limit, or what they sent was held as junk.
CREATE TABLE restricted_sender (
    org BIGINT NOT NULL,
    sender TEXT NOT NULL,             -- envelope sender or login, in lower case
    since_ms BIGINT NOT NULL,
    until_ms BIGINT NOT NULL,         -- 0: until somebody releases it
    reason TEXT NOT NULL,             -- hour, day, junk, person
    detail TEXT NOT NULL,             -- what was counted, in words
    told BIGINT NOT NULL,             -- 1: administrators were told
    PRIMARY KEY (org, sender)
) /*sqlite WITHOUT ROWID*/;

-- Recipients a sender has written to, by hour; for limits.
CREATE TABLE sender_hour (
    org BIGINT NOT NULL,
    sender TEXT NOT NULL,
    hour BIGINT NOT NULL,             -- hours since 1970
    outside BIGINT NOT NULL,
    inside BIGINT NOT NULL,
    junk BIGINT NOT NULL,             -- mails that were held as junk or phishing
    PRIMARY KEY (org, sender, hour)
) /*sqlite WITHOUT ROWID*/;
CREATE INDEX sender_hour_hour ON sender_hour (hour);
