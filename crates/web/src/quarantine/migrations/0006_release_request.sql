-- Requests to release held mail: of people who may not decide themselves, and of the first of two who release malware.
CREATE TABLE release_request (
    id BIGINT PRIMARY KEY,
    org BIGINT NOT NULL,
    mail BIGINT NOT NULL,
    n BIGINT NOT NULL,                -- recipient; -1: all that are held
    person BIGINT NOT NULL,
    who TEXT NOT NULL,                -- address at that time
    reason TEXT NOT NULL,
    until_ms BIGINT NOT NULL,         -- nobody can agree after
    state TEXT NOT NULL,              -- open, approved, denied
    decided_by TEXT NOT NULL,
    answer TEXT NOT NULL,
    decided_ms BIGINT,
    -- Malware: the first of the two who may release it. 0: whoever asked is none of them, and none agreed yet.
    first_person BIGINT NOT NULL,
    first_who TEXT NOT NULL
);
CREATE INDEX release_request_open ON release_request (org, id) WHERE state = 'open';
CREATE INDEX release_request_mail ON release_request (mail);
