-- Mail flow rules, what they hit, and who is to approve what they hold.
CREATE TABLE rule (
    id BIGINT PRIMARY KEY,
    org BIGINT NOT NULL,
    name TEXT NOT NULL,
    priority BIGINT NOT NULL,         -- 0 first; those of the settings file before all others
    settings TEXT NOT NULL,           -- JSON: gateway::rules::RuleSettings
    source TEXT NOT NULL,             -- file, command, page
    changed_ms BIGINT NOT NULL
);
CREATE UNIQUE INDEX rule_name ON rule (org, name);
-- One row for each mail that a rule applied to; gone with the mail.
CREATE TABLE rule_hit (
    rule BIGINT NOT NULL,
    mail BIGINT NOT NULL,
    org BIGINT NOT NULL,
    mode TEXT NOT NULL,               -- enforce, audit, audit-and-notify
    PRIMARY KEY (rule, mail)
) /*sqlite WITHOUT ROWID*/;
CREATE INDEX rule_hit_mail ON rule_hit (mail);
-- Held recipients that wait for somebody named in a rule.
CREATE TABLE moderation (
    mail BIGINT NOT NULL,
    n BIGINT NOT NULL,
    org BIGINT NOT NULL,
    moderator TEXT NOT NULL,          -- address key
    rule TEXT NOT NULL,               -- name of the rule
    PRIMARY KEY (mail, n, moderator)
) /*sqlite WITHOUT ROWID*/;
CREATE INDEX moderation_moderator ON moderation (moderator, mail);
