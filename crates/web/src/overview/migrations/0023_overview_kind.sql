-- Sums are read by kind: an index that begins with the hour walks past those of the reasons, which are most. Sums of all organisations
-- together are kept beside theirs, and those of the reasons for whole days as well. Everything is counted again from the mails.
DROP TABLE hour_sum;
DELETE FROM hour_counted;
CREATE TABLE hour_sum (
    org BIGINT NOT NULL,              -- 0: concerns no organisation; -1: all together
    hour_ms BIGINT NOT NULL,          -- beginning of the hour, UTC
    kind TEXT NOT NULL,               -- verdict, outcome, refused, reason, report
    name TEXT NOT NULL,
    count BIGINT NOT NULL,
    PRIMARY KEY (org, kind, hour_ms, name)
) /*sqlite WITHOUT ROWID*/;
CREATE INDEX hour_sum_hour ON hour_sum (hour_ms);
CREATE TABLE day_reason (
    org BIGINT NOT NULL,              -- as above
    day_ms BIGINT NOT NULL,           -- beginning of the day, UTC
    name TEXT NOT NULL,
    count BIGINT NOT NULL,
    PRIMARY KEY (org, day_ms, name)
) /*sqlite WITHOUT ROWID*/;
CREATE INDEX day_reason_day ON day_reason (day_ms);
