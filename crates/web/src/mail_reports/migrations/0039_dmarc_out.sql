-- Mail of other domains as DMARC reports tell of it, by day (UTC) until the report is sent; and which reports were.
CREATE TABLE dmarc_out (
    day_ms BIGINT NOT NULL,
    domain TEXT NOT NULL,             -- where the policy was found
    digest TEXT NOT NULL,             -- of entry, which may be too long for an index
    entry TEXT NOT NULL,              -- JSON: one record of the report without its count
    count BIGINT NOT NULL,
    PRIMARY KEY (day_ms, domain, digest)
) /*sqlite WITHOUT ROWID*/;
CREATE TABLE dmarc_out_sent (
    day_ms BIGINT NOT NULL,
    domain TEXT NOT NULL,
    at_ms BIGINT NOT NULL,
    outcome TEXT NOT NULL,            -- sent, or why not
    recipients TEXT NOT NULL,
    PRIMARY KEY (day_ms, domain)
) /*sqlite WITHOUT ROWID*/;
-- Reports of people that were looked at for whether somebody outside wants to hear of them.
CREATE TABLE complaint_out (
    report BIGINT PRIMARY KEY,
    org BIGINT NOT NULL,
    at_ms BIGINT NOT NULL,
    address TEXT NOT NULL             -- '' is nobody
);
