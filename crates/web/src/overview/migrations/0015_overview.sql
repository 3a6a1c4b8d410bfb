-- What happened in one hour, counted from mails, recipients, events, reports and receipts; always an hour as a whole, so that counting
-- twice changes nothing. The hour of a mail, and of its outcomes, is the one it was received in.
CREATE TABLE hour_sum (
    org BIGINT NOT NULL,              -- 0: concerns no organisation
    hour_ms BIGINT NOT NULL,          -- beginning of the hour, UTC
    kind TEXT NOT NULL,               -- verdict, outcome, refused, reason, report
    name TEXT NOT NULL,
    count BIGINT NOT NULL,
    PRIMARY KEY (org, hour_ms, kind, name)
) /*sqlite WITHOUT ROWID*/;
CREATE INDEX hour_sum_hour ON hour_sum (hour_ms);

-- Which hours were counted, and whether something in them can still change.
CREATE TABLE hour_counted (
    hour_ms BIGINT PRIMARY KEY,
    at_ms BIGINT NOT NULL,            -- when it was counted last
    outcomes_open BIGINT NOT NULL,    -- recipients still queued or held
    took_ms BIGINT NOT NULL
);

-- Which server counts.
CREATE TABLE hour_lease (
    one BIGINT PRIMARY KEY,
    holder BIGINT NOT NULL,
    until_ms BIGINT NOT NULL
);

-- The last balance of each organisation; 0 is all of them together.
CREATE TABLE balance_taken (
    org BIGINT NOT NULL,
    at_ms BIGINT NOT NULL,
    since_ms BIGINT NOT NULL,
    until_ms BIGINT NOT NULL,
    accepted BIGINT NOT NULL,
    delivered BIGINT NOT NULL,
    bounced BIGINT NOT NULL,
    held BIGINT NOT NULL,
    queued BIGINT NOT NULL,
    deleted BIGINT NOT NULL,
    expired BIGINT NOT NULL,
    problems BIGINT NOT NULL,         -- only known for all together
    PRIMARY KEY (org)
);
CREATE INDEX list_entry_expires ON list_entry (expires_ms);
