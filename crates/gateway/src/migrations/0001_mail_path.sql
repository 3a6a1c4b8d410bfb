-- The mail path. Times are Unix milliseconds (UTC), ids as mail::id makes them: they sort by time, so trees keyed by them grow at
-- their end. What stands in /*sqlite … */ is read by SQLite only (store::migrate).

-- One accepted mail: what trace lists and what the receipt hangs on. Kept for the trace retention.
CREATE TABLE mail (
    id BIGINT PRIMARY KEY,
    org BIGINT NOT NULL,
    direction TEXT NOT NULL,          -- inbound, outbound, internal
    peer_ip TEXT NOT NULL,
    helo TEXT NOT NULL,
    sender TEXT NOT NULL,             -- '' is the null reverse-path
    message_id TEXT NOT NULL,
    subject TEXT NOT NULL,
    octets BIGINT NOT NULL,
    recipients BIGINT NOT NULL,       -- how many rows in recipient: the left side of the balance
    verdict TEXT NOT NULL,
    receipt TEXT NOT NULL,            -- JSON, versioned
    envelope TEXT NOT NULL            -- JSON: what delivery and DSNs need beyond sender and recipients
);
-- On SQLite the trace searches in this index alone, without touching the receipts. PostgreSQL limits the size of an index row.
CREATE INDEX mail_org ON mail (org, id/*sqlite , sender, message_id, subject, peer_ip, verdict*/);

-- The octets to send on or to show. Gone once nobody needs them.
CREATE TABLE body (
    mail BIGINT PRIMARY KEY,
    place TEXT NOT NULL,              -- '' is inline, else the name in the body store
    octets BYTEA NOT NULL             -- empty when place is not ''
);

-- One recipient of one mail: queue row, held mail and final account in one.
CREATE TABLE recipient (
    mail BIGINT NOT NULL,
    n BIGINT NOT NULL,
    org BIGINT NOT NULL,
    address TEXT NOT NULL,            -- where it goes
    original TEXT NOT NULL,           -- as the peer gave it
    state TEXT NOT NULL,              -- queued, delivered, bounced, held, deleted, expired (from held)
    edits TEXT NOT NULL,              -- JSON: header lines and subject prefix the action adds for this recipient
    dsn TEXT NOT NULL,                -- JSON: notify, orcpt
    route TEXT NOT NULL,              -- connector name, '' is MX
    tries BIGINT NOT NULL,
    next_ms BIGINT NOT NULL,          -- next attempt (queued) or expiry (held)
    lease_node BIGINT NOT NULL,       -- 0: nobody
    lease_ms BIGINT NOT NULL,         -- until when
    last_reply TEXT NOT NULL,
    settled_ms BIGINT,
    PRIMARY KEY (mail, n)
) /*sqlite WITHOUT ROWID*/;
CREATE INDEX recipient_queued ON recipient (next_ms) WHERE state = 'queued';
CREATE INDEX recipient_held ON recipient (org, mail) WHERE state = 'held';
CREATE INDEX recipient_held_until ON recipient (next_ms) WHERE state = 'held';
CREATE INDEX recipient_address ON recipient (address, mail);

-- What happened, one row a step. mail is 0 for a connection refused before a mail existed.
CREATE TABLE event (
    id BIGINT NOT NULL,
    mail BIGINT NOT NULL,
    org BIGINT NOT NULL,
    at_ms BIGINT NOT NULL,
    kind TEXT NOT NULL,
    recipient TEXT NOT NULL,          -- '' when it concerns the whole mail
    detail TEXT NOT NULL,             -- JSON
    PRIMARY KEY (mail, id)
) /*sqlite WITHOUT ROWID*/;
-- Refusals by time; trace::sql::search repeats the condition word for word.
CREATE INDEX event_refused ON event (id) WHERE kind IN ('connection-refused', 'protocol-refused', 'sign-in-refused',
    'sender-refused', 'recipient-refused', 'content-refused', 'not-recorded');

-- Organisations and what belongs to them. source is 'file' for what settings name: replaced at every start.
CREATE TABLE organisation (
    id BIGINT PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    language TEXT NOT NULL,
    settings TEXT NOT NULL,           -- JSON
    source TEXT NOT NULL
);
CREATE TABLE domain (
    name TEXT PRIMARY KEY,            -- lower-case A-labels
    org BIGINT NOT NULL,
    kind TEXT NOT NULL,               -- authoritative, internal-relay
    connector TEXT NOT NULL,          -- '' is the organisation's default
    settings TEXT NOT NULL,
    source TEXT NOT NULL
);
CREATE TABLE known_recipient (
    address TEXT PRIMARY KEY,
    org BIGINT NOT NULL,
    name TEXT NOT NULL,               -- display name to protect, may be ''
    source TEXT NOT NULL
);
CREATE TABLE connector (
    name TEXT PRIMARY KEY,
    org BIGINT NOT NULL,
    settings TEXT NOT NULL,
    source TEXT NOT NULL
);
CREATE TABLE policy (
    name TEXT NOT NULL,
    org BIGINT NOT NULL,
    priority BIGINT NOT NULL,
    settings TEXT NOT NULL,
    source TEXT NOT NULL,
    PRIMARY KEY (org, name)
);
CREATE TABLE list_entry (
    id BIGINT PRIMARY KEY,
    org BIGINT NOT NULL,
    effect TEXT NOT NULL,             -- allow, block
    kind TEXT NOT NULL,               -- address, domain, ip, host, hash
    value TEXT NOT NULL,
    scope TEXT NOT NULL,              -- '' the organisation, else a recipient address
    expires_ms BIGINT,
    note TEXT NOT NULL,
    made_ms BIGINT NOT NULL,
    source TEXT NOT NULL
);
CREATE INDEX list_entry_org ON list_entry (org, kind, value);

-- Counts up with every change of the tables above, so that running servers notice.
CREATE TABLE directory_version (one BIGINT PRIMARY KEY, version BIGINT NOT NULL);
INSERT INTO directory_version VALUES (1, 1);
