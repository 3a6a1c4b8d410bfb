-- Mail that is taken out of mailboxes after delivery. Recipients stay delivered: what happens here stands beside their account.
CREATE TABLE removal (
    id BIGINT PRIMARY KEY,
    org BIGINT NOT NULL,
    state TEXT NOT NULL,              -- asks (waits for a person), going, refused
    cause TEXT NOT NULL,              -- person, judged-again, reports, entry
    class TEXT NOT NULL,              -- what the mail is seen as now
    note TEXT NOT NULL,               -- why, as a person wrote it or as the cause says it
    who TEXT NOT NULL,                -- who started it; '' is Gatepost itself
    asks_why TEXT NOT NULL,           -- why a person is asked: '', listed, many, share
    copies BIGINT NOT NULL,           -- rows in removal_copy
    decided_by TEXT NOT NULL,
    decided_ms BIGINT NOT NULL        -- 0: nobody decided
);
CREATE INDEX removal_org ON removal (org, id);
CREATE INDEX removal_asks ON removal (id) WHERE state = 'asks';

-- One copy of a mail: what lies, or lay, in one mailbox.
CREATE TABLE removal_copy (
    removal BIGINT NOT NULL,
    mail BIGINT NOT NULL,
    n BIGINT NOT NULL,                -- the recipient
    org BIGINT NOT NULL,
    address TEXT NOT NULL,
    connector TEXT NOT NULL,
    dangerous BIGINT NOT NULL,        -- 1: goes into the folder for that
    state TEXT NOT NULL,              -- listed, waiting, removed, gone, failed, refused, returning, returned
    tries BIGINT NOT NULL,
    next_ms BIGINT NOT NULL,          -- next attempt, or the end of the lease of the one that runs
    place TEXT NOT NULL,              -- JSON: gateway::mailbox::Place
    said TEXT NOT NULL,               -- why it is gone or failed, or what the last attempt said
    at_ms BIGINT NOT NULL,            -- when it came into this state
    PRIMARY KEY (removal, mail, n)
) /*sqlite WITHOUT ROWID*/;
CREATE INDEX removal_copy_mail ON removal_copy (mail, n);
-- The condition stands word for word in removal::sql::IS_DUE.
CREATE INDEX removal_copy_due ON removal_copy (next_ms) WHERE state IN ('waiting', 'returning');

-- One row: which server watches delivered mail, until when.
CREATE TABLE removal_lease (one BIGINT PRIMARY KEY, holder BIGINT NOT NULL, until_ms BIGINT NOT NULL);
-- How far each watch has come: mails before this identifier were looked at.
CREATE TABLE removal_watch (
    org BIGINT NOT NULL,
    what TEXT NOT NULL,               -- recheck-N: the N-th time after delivery; reports
    upto BIGINT NOT NULL,
    PRIMARY KEY (org, what)
);
