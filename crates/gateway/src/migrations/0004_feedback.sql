-- What people said about mail, and what was learned from it.
CREATE TABLE report (
    id BIGINT PRIMARY KEY,
    org BIGINT NOT NULL,
    mail BIGINT NOT NULL,             -- 0 when it is none of those in trace
    digest TEXT NOT NULL,             -- of the body: the same message is learned once
    reporter TEXT NOT NULL,           -- address, or who it was at the command line
    label TEXT NOT NULL,              -- ham, spam, phish, bulk
    subject TEXT NOT NULL,
    before_spam DOUBLE PRECISION NOT NULL,  -- probabilities before and after it was learned
    after_spam DOUBLE PRECISION NOT NULL,
    at_ms BIGINT NOT NULL
);
CREATE UNIQUE INDEX report_once ON report (org, digest, reporter);
CREATE INDEX report_org ON report (org, id);
CREATE TABLE classifier (
    org BIGINT NOT NULL,
    person TEXT NOT NULL,             -- '' is the organisation
    version BIGINT NOT NULL,          -- counts up with every change, so that running servers notice
    octets BYTEA NOT NULL,            -- detect::classify::Delta
    PRIMARY KEY (org, person)
);
