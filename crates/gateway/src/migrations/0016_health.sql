-- What every node saw last, and minute by minute; how each service is, and when it changed.
CREATE TABLE signal_now (
    node BIGINT PRIMARY KEY,
    at_ms BIGINT NOT NULL,
    sample TEXT NOT NULL              -- JSON: health::Sample
);
CREATE TABLE signal_minute (
    minute_ms BIGINT NOT NULL,        -- begin of the minute
    node BIGINT NOT NULL,
    org BIGINT NOT NULL,              -- 0: the node itself
    target TEXT NOT NULL,             -- connector; '' is the node itself
    seen TEXT NOT NULL,               -- JSON: counters and times of that minute
    PRIMARY KEY (minute_ms, node, org, target)
) /*sqlite WITHOUT ROWID*/;

-- One row: what is followed, and which node does it.
CREATE TABLE health_engine (
    one BIGINT PRIMARY KEY,
    node BIGINT NOT NULL,
    lease_ms BIGINT NOT NULL,         -- until when it is that node's
    engine TEXT NOT NULL              -- JSON: health::Engine
);
INSERT INTO health_engine VALUES (1, 0, 0, '{}');

-- How services are by measurement. What is not here is well.
CREATE TABLE health_state (
    org BIGINT NOT NULL,              -- 0: for everybody
    service TEXT NOT NULL,
    status TEXT NOT NULL,
    since_ms BIGINT NOT NULL,
    cause TEXT NOT NULL,
    what TEXT NOT NULL,
    evidence TEXT NOT NULL,           -- JSON
    PRIMARY KEY (org, service)
) /*sqlite WITHOUT ROWID*/;
CREATE TABLE health_change (
    id BIGINT PRIMARY KEY,
    org BIGINT NOT NULL,
    service TEXT NOT NULL,
    at_ms BIGINT NOT NULL,
    status TEXT NOT NULL
);
CREATE INDEX health_change_org ON health_change (org, at_ms);
