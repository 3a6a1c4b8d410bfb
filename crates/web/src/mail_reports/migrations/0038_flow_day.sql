-- What mail went through, added up by day (UTC) as mails are a few minutes old; and who is told of it by mail.
CREATE TABLE flow_day (
    org BIGINT NOT NULL,
    kind TEXT NOT NULL,               -- mails, refused, verdict, sender, target, out-sender, policy, rule
    day_ms BIGINT NOT NULL,
    name TEXT NOT NULL,               -- '' are those that are not listed one by one
    count BIGINT NOT NULL,
    unwanted BIGINT NOT NULL,         -- of policies: where it did something
    PRIMARY KEY (org, kind, day_ms, name)
) /*sqlite WITHOUT ROWID*/;
CREATE INDEX flow_day_day ON flow_day (day_ms);
-- The last mail that was added up.
CREATE TABLE flow_counted (
    one BIGINT PRIMARY KEY,
    mail BIGINT NOT NULL
);
CREATE TABLE flow_letter (
    person BIGINT PRIMARY KEY,
    every TEXT NOT NULL,              -- week, month
    sent_ms BIGINT NOT NULL
);
