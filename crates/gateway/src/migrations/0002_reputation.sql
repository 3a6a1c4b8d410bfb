-- What this organisation received from whom. Sums grow with time instead of fading (gateway::reputation says how), so that nodes
-- can add to a row without reading it.
CREATE TABLE reputation (
    org BIGINT NOT NULL,
    kind TEXT NOT NULL,               -- address, domain, signer, author
    name TEXT NOT NULL,
    good DOUBLE PRECISION NOT NULL,
    bad DOUBLE PRECISION NOT NULL,
    first_ms BIGINT NOT NULL,
    last_ms BIGINT NOT NULL,
    PRIMARY KEY (org, kind, name)
) /*sqlite WITHOUT ROWID*/;
CREATE INDEX reputation_last ON reputation (last_ms);
