-- The message centre, planned maintenance in it, and what each person made of it.
CREATE TABLE service_message (
    number BIGINT PRIMARY KEY,        -- shown as MC100001
    org BIGINT NOT NULL,              -- 0: everybody
    kind TEXT NOT NULL,               -- message, maintenance
    category TEXT NOT NULL,           -- preventOrFixIssue, planForChange, stayInformed
    severity TEXT NOT NULL,           -- normal, high, critical
    is_major BIGINT NOT NULL,
    is_cancelled BIGINT NOT NULL,
    starts_ms BIGINT NOT NULL,
    ends_ms BIGINT,
    act_by_ms BIGINT,
    updated_ms BIGINT NOT NULL,
    sequence BIGINT NOT NULL,         -- counts up with every change, for calendars
    body TEXT NOT NULL                -- JSON: title, text, services, tags
);
CREATE INDEX service_message_org ON service_message (org, updated_ms);
CREATE TABLE service_message_file (
    id BIGINT PRIMARY KEY,
    message BIGINT NOT NULL,
    org BIGINT NOT NULL,
    name TEXT NOT NULL,
    kind TEXT NOT NULL,
    at_ms BIGINT NOT NULL,
    octets BYTEA NOT NULL
);
CREATE INDEX service_message_file_message ON service_message_file (message, id);
CREATE TABLE service_message_view (
    person BIGINT NOT NULL,
    message BIGINT NOT NULL,
    is_read BIGINT NOT NULL,
    is_archived BIGINT NOT NULL,
    is_favourite BIGINT NOT NULL,
    PRIMARY KEY (person, message)
) /*sqlite WITHOUT ROWID*/;
CREATE TABLE bell_choice (
    person BIGINT PRIMARY KEY,
    settings TEXT NOT NULL            -- JSON: services, kinds, quiet hours, channels
);
-- Where a program is told, signed.
CREATE TABLE health_hook (
    id BIGINT PRIMARY KEY,
    org BIGINT NOT NULL,
    url TEXT NOT NULL,
    secret TEXT NOT NULL,             -- whsec_… (Standard Webhooks)
    made_ms BIGINT NOT NULL
);
CREATE TABLE health_hook_try (
    id BIGINT PRIMARY KEY,
    org BIGINT NOT NULL,
    hook BIGINT NOT NULL,
    event TEXT NOT NULL,              -- JSON that is sent
    tries BIGINT NOT NULL,
    next_ms BIGINT NOT NULL,          -- 0: nothing more is tried
    answer TEXT NOT NULL
);
CREATE INDEX health_hook_try_next ON health_hook_try (next_ms);
