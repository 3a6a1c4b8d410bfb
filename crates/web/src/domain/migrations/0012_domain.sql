-- Domains that are being added, and the last result of checks of domains and connectors.

-- A domain that an organisation says is its own. Its mail is taken once that was shown.
CREATE TABLE domain_claim (
    id BIGINT PRIMARY KEY,
    org BIGINT NOT NULL,
    name TEXT NOT NULL,               -- lower-case A-labels
    token TEXT NOT NULL,              -- stands in the TXT record that shows it
    made_ms BIGINT NOT NULL,
    shown_ms BIGINT,                  -- when it was shown
    how TEXT NOT NULL,                -- '', dns, operator
    reason TEXT NOT NULL,             -- of the operator
    UNIQUE (org, name)
);

CREATE TABLE check_result (
    org BIGINT NOT NULL,
    kind TEXT NOT NULL,               -- domain, connector
    subject TEXT NOT NULL,            -- its name
    at_ms BIGINT NOT NULL,
    result TEXT NOT NULL,             -- JSON
    PRIMARY KEY (org, kind, subject)
);
