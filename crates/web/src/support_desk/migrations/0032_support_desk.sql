-- Plans. Every change is a row of its own, and requests keep the version they were opened under.
CREATE TABLE support_plan (
    id BIGINT PRIMARY KEY,            -- the version
    plan BIGINT NOT NULL,             -- the first version, which names the plan
    name TEXT NOT NULL,
    body TEXT NOT NULL,               -- JSON
    is_latest BIGINT NOT NULL,
    is_default BIGINT NOT NULL,       -- 1: of organisations without a contract
    by_whom TEXT NOT NULL,
    made_ms BIGINT NOT NULL
);
CREATE INDEX support_plan_plan ON support_plan (plan, id);

-- What an organisation has agreed with support.
CREATE TABLE support_contract (
    org BIGINT PRIMARY KEY,
    plan BIGINT NOT NULL,             -- names a plan, not a version; 0: the default
    manager BIGINT NOT NULL,          -- person: technical account manager; 0: none
    deputy BIGINT NOT NULL,
    advisory_minutes BIGINT NOT NULL, -- a month
    changed_by TEXT NOT NULL,
    changed_ms BIGINT NOT NULL
);

-- Where each request stands, for queues. Follows from its events alone and can be made again at any time.
CREATE TABLE request_clock (
    request BIGINT PRIMARY KEY,
    org BIGINT NOT NULL,
    seen BIGINT NOT NULL,             -- the last event it was made from
    seen_ms BIGINT NOT NULL,
    due_ms BIGINT NOT NULL,           -- of what is due first; 9223372036854775807: nothing runs
    due_kind TEXT NOT NULL,
    is_breached BIGINT NOT NULL,      -- what is owed now is late
    next_ms BIGINT NOT NULL           -- when it changes by itself; 9223372036854775807: never
);
CREATE INDEX request_clock_due ON request_clock (due_ms, request);
CREATE INDEX request_clock_next ON request_clock (next_ms);
CREATE INDEX request_clock_seen ON request_clock (seen_ms);
CREATE INDEX service_request_last ON service_request (last_ms, id);

-- Each run of each clock and what came of it, for reports. Made again with the row above.
CREATE TABLE request_promise (
    request BIGINT NOT NULL,
    org BIGINT NOT NULL,
    clock TEXT NOT NULL,
    started_ms BIGINT NOT NULL,
    severity TEXT NOT NULL,
    plan BIGINT NOT NULL,
    standing TEXT NOT NULL,
    target_ms BIGINT NOT NULL,
    used_ms BIGINT NOT NULL,
    due_ms BIGINT NOT NULL,           -- 0: none
    ended_ms BIGINT NOT NULL,         -- 0: not done yet
    PRIMARY KEY (request, clock, started_ms)
);
CREATE INDEX request_promise_started ON request_promise (started_ms);

-- Warnings and breaches that were told, so that each is told once.
CREATE TABLE request_alarm (
    request BIGINT NOT NULL,
    org BIGINT NOT NULL,
    clock TEXT NOT NULL,
    started_ms BIGINT NOT NULL,
    minutes BIGINT NOT NULL,          -- left when it was told; 0: breached
    due_ms BIGINT NOT NULL,
    at_ms BIGINT NOT NULL,
    PRIMARY KEY (request, clock, started_ms, minutes)
);
CREATE INDEX request_alarm_at ON request_alarm (at_ms);

-- Who of support looks at a request now.
CREATE TABLE request_look (
    request BIGINT NOT NULL,
    org BIGINT NOT NULL,
    person BIGINT NOT NULL,
    name TEXT NOT NULL,
    at_ms BIGINT NOT NULL,
    PRIMARY KEY (request, person)
);

-- Words and steps that are used again.
CREATE TABLE saved_reply (
    id BIGINT PRIMARY KEY,
    name TEXT NOT NULL,
    lang TEXT NOT NULL,               -- '' any
    body TEXT NOT NULL,
    steps TEXT NOT NULL,              -- JSON: what else it does
    changed_by TEXT NOT NULL,
    changed_ms BIGINT NOT NULL
);

-- What engineers know, and how they work.
CREATE TABLE support_skill (
    person BIGINT PRIMARY KEY,
    langs TEXT NOT NULL,              -- with spaces between; '' all
    areas TEXT NOT NULL,              -- with spaces between; '' all
    open_max BIGINT NOT NULL,         -- requests at a time
    takes_new BIGINT NOT NULL,        -- new requests are given to them by themselves
    is_away BIGINT NOT NULL,
    has_keys BIGINT NOT NULL          -- single keys do something on pages
);

-- Hours of advice that were given.
CREATE TABLE advisory_entry (
    id BIGINT PRIMARY KEY,
    org BIGINT NOT NULL,
    minutes BIGINT NOT NULL,
    what TEXT NOT NULL,
    by_whom TEXT NOT NULL,
    day_ms BIGINT NOT NULL
);
CREATE INDEX advisory_entry_org ON advisory_entry (org, day_ms);
