-- Hours of advice that were bought beside the monthly ones.
CREATE TABLE advisory_block (
    id BIGINT PRIMARY KEY,
    org BIGINT NOT NULL,
    minutes BIGINT NOT NULL,
    from_ms BIGINT NOT NULL,
    until_ms BIGINT NOT NULL,         -- what is left then is gone
    what TEXT NOT NULL,               -- order, invoice
    by_whom TEXT NOT NULL,
    made_ms BIGINT NOT NULL
);
CREATE INDEX advisory_block_org ON advisory_block (org, until_ms);
ALTER TABLE advisory_entry ADD COLUMN whom TEXT NOT NULL DEFAULT '';

-- Health checks of an organisation that are planned and done.
CREATE TABLE premier_check (
    id BIGINT PRIMARY KEY,
    org BIGINT NOT NULL,
    due_ms BIGINT NOT NULL,
    every_days BIGINT NOT NULL,       -- the next one is planned so many days later; 0: once
    state TEXT NOT NULL,              -- planned, running, done, cancelled
    domains BIGINT NOT NULL,          -- that were looked at
    findings BIGINT NOT NULL,         -- that were open afterwards
    done_ms BIGINT NOT NULL,          -- when it began or was done; 0: not yet
    by_whom TEXT NOT NULL,
    made_ms BIGINT NOT NULL
);
CREATE INDEX premier_check_due ON premier_check (state, due_ms);
CREATE INDEX premier_check_org ON premier_check (org, due_ms);

-- What health checks found, followed up until it is gone or accepted.
CREATE TABLE premier_finding (
    org BIGINT NOT NULL,
    subject TEXT NOT NULL,            -- a domain
    kind TEXT NOT NULL,               -- a check, such as domain.spf
    result TEXT NOT NULL,             -- advice, problem
    state TEXT NOT NULL,              -- open, fixed, accepted
    words TEXT NOT NULL,              -- why it is accepted
    first_ms BIGINT NOT NULL,
    last_ms BIGINT NOT NULL,          -- seen last, or gone since
    settled_by TEXT NOT NULL,
    PRIMARY KEY (org, subject, kind)
);

-- Figures of a month, kept longer than the sums that they come from.
CREATE TABLE premier_month (
    org BIGINT NOT NULL,
    month_ms BIGINT NOT NULL,
    figures TEXT NOT NULL,            -- JSON
    at_ms BIGINT NOT NULL,
    PRIMARY KEY (org, month_ms)
);
