-- What people may do with mail held for them, and digests of it.

-- A set of powers that an organisation made beside those that come with the program.
CREATE TABLE quarantine_policy (
    id BIGINT PRIMARY KEY,
    org BIGINT NOT NULL,
    name TEXT NOT NULL,
    powers TEXT NOT NULL,             -- words with spaces between: header preview download …
    made_ms BIGINT NOT NULL
);
CREATE UNIQUE INDEX quarantine_policy_name ON quarantine_policy (org, name);

-- Which one holds for mail of a verdict; a verdict without a row has the usual one.
CREATE TABLE quarantine_assignment (
    org BIGINT NOT NULL,
    verdict TEXT NOT NULL,
    policy TEXT NOT NULL,             -- name of one that comes with the program, or the id of one of the organisation's
    PRIMARY KEY (org, verdict)
);

-- When digests go out, for everybody who did not choose.
CREATE TABLE digest_setting (
    org BIGINT NOT NULL,
    every TEXT NOT NULL,              -- off, 4h, daily, weekly
    hour BIGINT NOT NULL,             -- of the day, 0 to 23
    zone TEXT NOT NULL,               -- IANA name
    PRIMARY KEY (org)
);

-- One address: its own choice, and how far it was told.
CREATE TABLE digest (
    org BIGINT NOT NULL,
    address TEXT NOT NULL,
    every TEXT NOT NULL,              -- '' as the organisation
    told_ms BIGINT NOT NULL,          -- mail received before was told of
    sent_ms BIGINT NOT NULL,          -- when it was looked at last: of two servers the one that moves it sends
    PRIMARY KEY (org, address)
);

-- What a link in a digest may do: one held row, for the address it is held for. mail 0: choose how often digests come.
CREATE TABLE digest_link (
    token TEXT PRIMARY KEY,           -- SHA-256 of what stands in the mail, in hex
    org BIGINT NOT NULL,
    mail BIGINT NOT NULL,
    n BIGINT NOT NULL,
    address TEXT NOT NULL,
    until_ms BIGINT NOT NULL
) /*sqlite WITHOUT ROWID*/;
CREATE INDEX digest_link_until ON digest_link (until_ms);
