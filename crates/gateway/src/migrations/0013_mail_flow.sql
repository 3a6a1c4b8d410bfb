-- DKIM keys of domains, and servers that hand us mail.

CREATE TABLE dkim_key (
    id BIGINT PRIMARY KEY,
    org BIGINT NOT NULL,
    domain TEXT NOT NULL,             -- lower-case A-labels
    selector TEXT NOT NULL,
    kind TEXT NOT NULL,               -- rsa, ed25519
    state TEXT NOT NULL,              -- made, published, active, retiring, retired
    record TEXT NOT NULL,             -- of the TXT record to publish
    sealed TEXT NOT NULL,             -- the private key, sealed, and '' once retired
    made_ms BIGINT NOT NULL,
    state_ms BIGINT NOT NULL,         -- since when it is in this state
    rotate_days BIGINT NOT NULL       -- 0: never by itself
);
CREATE INDEX dkim_key_domain ON dkim_key (domain, org);

CREATE TABLE inbound_connector (
    name TEXT NOT NULL,
    org BIGINT NOT NULL,
    settings TEXT NOT NULL,           -- JSON
    source TEXT NOT NULL,
    PRIMARY KEY (org, name)
);
