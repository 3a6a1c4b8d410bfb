-- Doubtful mail that was asked to come again, and networks that did.
CREATE TABLE greylist (
    name TEXT PRIMARY KEY,            -- digest of network, sender and recipient; or a network that comes again
    first_ms BIGINT NOT NULL,
    last_ms BIGINT NOT NULL
) /*sqlite WITHOUT ROWID*/;
CREATE INDEX greylist_last ON greylist (last_ms);
