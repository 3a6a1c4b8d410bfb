-- Issues of the service, what was said about them, and who has read it.
CREATE TABLE issue (
    number BIGINT PRIMARY KEY,        -- shown as EX100001
    org BIGINT NOT NULL,              -- 0: concerns everybody
    cause TEXT NOT NULL,              -- the rule that opened it; '' is a person
    what TEXT NOT NULL,
    status TEXT NOT NULL,
    classification TEXT NOT NULL,     -- incident, advisory
    origin TEXT NOT NULL,             -- microsoft (the provider), thirdParty, customer
    is_measured BIGINT NOT NULL,      -- the cause is measured as wrong right now
    is_open BIGINT NOT NULL,
    is_known BIGINT NOT NULL,         -- a known issue: stays until it is fixed in a version
    merged_into BIGINT NOT NULL,      -- 0: stands for itself
    started_ms BIGINT NOT NULL,
    updated_ms BIGINT NOT NULL,
    ended_ms BIGINT,
    body TEXT NOT NULL                -- JSON: title, impact, services, evidence and what else people read
);
CREATE INDEX issue_open ON issue (org, is_open, updated_ms);
CREATE INDEX issue_updated ON issue (updated_ms);
CREATE TABLE issue_post (
    id BIGINT PRIMARY KEY,
    issue BIGINT NOT NULL,
    org BIGINT NOT NULL,
    at_ms BIGINT NOT NULL,
    kind TEXT NOT NULL,               -- regular, quick, strategic
    status TEXT NOT NULL,             -- what the issue was set to; '' is no change
    who TEXT NOT NULL,                -- '' is a rule
    body TEXT NOT NULL                -- JSON: the text in both languages
);
CREATE INDEX issue_post_issue ON issue_post (issue, id);
CREATE TABLE bell_read (
    person BIGINT NOT NULL,
    subject TEXT NOT NULL,            -- EX100001, MC100001
    at_ms BIGINT NOT NULL,
    PRIMARY KEY (person, subject)
) /*sqlite WITHOUT ROWID*/;
CREATE TABLE issue_report (
    id BIGINT PRIMARY KEY,
    org BIGINT NOT NULL,
    person BIGINT NOT NULL,
    service TEXT NOT NULL,
    text TEXT NOT NULL,
    issue BIGINT NOT NULL             -- the issue it belongs to; 0 is none yet
);
CREATE INDEX issue_report_org ON issue_report (org, id);
