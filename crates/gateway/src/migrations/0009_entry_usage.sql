-- What allow and block entries did: one row for each entry and each class of mail it spoke about, so that it can be said what it overrode.
CREATE TABLE entry_usage (
    org BIGINT NOT NULL,
    entry BIGINT NOT NULL,
    class TEXT NOT NULL,              -- what the mail was before the entry spoke
    won BIGINT NOT NULL,              -- recipients for whom it decided
    lost BIGINT NOT NULL,             -- recipients for whom something stronger did
    last_ms BIGINT NOT NULL,          -- when it spoke last
    won_ms BIGINT NOT NULL,           -- when it decided last; 0: never
    PRIMARY KEY (entry, class)
);
CREATE INDEX entry_usage_org ON entry_usage (org, entry);
ALTER TABLE list_entry ADD COLUMN made_by TEXT NOT NULL DEFAULT '';
ALTER TABLE list_entry ADD COLUMN warned_ms BIGINT NOT NULL DEFAULT 0;
