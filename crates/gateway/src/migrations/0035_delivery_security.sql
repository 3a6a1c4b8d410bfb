-- Policies of domains that mail goes to (MTA-STS); kept as long as they say, whatever becomes of their host.
CREATE TABLE sts_policy (
    domain TEXT PRIMARY KEY,
    id TEXT NOT NULL,                 -- of the TXT record under which it was fetched
    policy TEXT NOT NULL,             -- as it was served; '' when it could never be fetched
    fetched_ms BIGINT NOT NULL,
    until_ms BIGINT NOT NULL,
    failed_ms BIGINT NOT NULL,        -- last fetch that failed; 0: it did not
    invalid BIGINT NOT NULL           -- 1: it failed because what was served is no policy
) /*sqlite WITHOUT ROWID*/;

-- How encrypted connections to other domains went, until it is reported (TLS-RPT).
CREATE TABLE tls_outcome (
    day BIGINT NOT NULL,              -- days since 1970, UTC
    domain TEXT NOT NULL,
    policy TEXT NOT NULL,             -- sts, tlsa, no-policy-found
    mx TEXT NOT NULL,                 -- '' for successes
    ip TEXT NOT NULL,
    failure TEXT NOT NULL,            -- '' for successes
    sessions BIGINT NOT NULL,
    lines TEXT NOT NULL,              -- the policy, line by line
    PRIMARY KEY (day, domain, policy, mx, ip, failure)
) /*sqlite WITHOUT ROWID*/;
