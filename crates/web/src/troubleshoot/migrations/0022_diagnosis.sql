-- Diagnoses: what was asked, what was found, and what was done about it.
CREATE TABLE diagnosis (
    id BIGINT PRIMARY KEY,
    org BIGINT NOT NULL,              -- 0: of the whole installation
    person BIGINT NOT NULL,           -- 0: at the machine
    state TEXT NOT NULL,              -- running, done, failed
    question TEXT NOT NULL,           -- JSON
    progress TEXT NOT NULL,           -- JSON: steps with their results
    answer TEXT NOT NULL,             -- JSON; '' while it runs
    applied TEXT NOT NULL,            -- JSON: fixes that were applied, and what takes them back
    ended_ms BIGINT
);
CREATE INDEX diagnosis_org ON diagnosis (org, id);
