-- Reports of other servers: about mail in our domains' names (DMARC), about TLS to our servers, complaints. One row a report, also for
-- what was no report that could be used. Days are of UTC; what belongs to one is added up when the report is taken.
CREATE TABLE mail_report (
    id BIGINT PRIMARY KEY,
    org BIGINT NOT NULL,
    kind TEXT NOT NULL,               -- dmarc, tls, failure, complaint; '' is none that could be read
    once TEXT NOT NULL,               -- what makes it the same report when it comes again
    mail BIGINT NOT NULL,             -- 0: it was uploaded
    sender TEXT NOT NULL,             -- From of the mail, or who uploaded it
    is_proven BIGINT NOT NULL,        -- 1: the sender is authenticated, or a person of ours
    domain TEXT NOT NULL,
    reporter TEXT NOT NULL,
    report_id TEXT NOT NULL,
    begin_ms BIGINT NOT NULL,
    end_ms BIGINT NOT NULL,
    messages BIGINT NOT NULL,         -- mails, TLS sessions, or 1
    failed BIGINT NOT NULL,
    problem TEXT NOT NULL,            -- '' is none; else why it could not be used
    about TEXT NOT NULL,              -- what is missing, or the subject of the mail
    detail TEXT NOT NULL              -- JSON
);
CREATE UNIQUE INDEX mail_report_once ON mail_report (org, once);
CREATE INDEX mail_report_org ON mail_report (org, kind, id);
CREATE TABLE dmarc_day (
    org BIGINT NOT NULL,
    domain TEXT NOT NULL,
    day_ms BIGINT NOT NULL,
    source TEXT NOT NULL,             -- address; '*' is all together, '' those that are not listed one by one
    messages BIGINT NOT NULL,
    passed BIGINT NOT NULL,           -- DKIM or SPF in the name of the domain
    dkim BIGINT NOT NULL,
    spf BIGINT NOT NULL,
    quarantined BIGINT NOT NULL,
    rejected BIGINT NOT NULL,
    signer TEXT NOT NULL,             -- d= of a signature that held
    bounce_domain TEXT NOT NULL,      -- domain that SPF passed for
    PRIMARY KEY (org, domain, day_ms, source)
) /*sqlite WITHOUT ROWID*/;
CREATE INDEX dmarc_day_day ON dmarc_day (day_ms);
CREATE INDEX dmarc_day_together ON dmarc_day (org, day_ms) WHERE source = '*';
CREATE TABLE tls_day (
    org BIGINT NOT NULL,
    domain TEXT NOT NULL,
    day_ms BIGINT NOT NULL,
    kind TEXT NOT NULL,               -- of policy: sts, tlsa, no-policy-found; of failure: !certificate-expired …
    mx TEXT NOT NULL,                 -- '' but for failures
    succeeded BIGINT NOT NULL,
    failed BIGINT NOT NULL,
    PRIMARY KEY (org, domain, day_ms, kind, mx)
) /*sqlite WITHOUT ROWID*/;
CREATE INDEX tls_day_day ON tls_day (day_ms);
