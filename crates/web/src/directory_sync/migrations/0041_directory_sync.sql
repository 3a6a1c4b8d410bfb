-- Directories that are read by LDAP.
CREATE TABLE directory_source (
    id BIGINT PRIMARY KEY,
    org BIGINT NOT NULL,
    name TEXT NOT NULL,
    settings TEXT NOT NULL,           -- JSON, the password sealed
    state TEXT NOT NULL,              -- new, well, failing, waiting, approved, refused
    state_ms BIGINT NOT NULL,         -- since when
    mark TEXT NOT NULL,               -- what the directory said of its last change; '' reads everything
    whole_ms BIGINT NOT NULL,         -- last run that read everything
    seen_ms BIGINT NOT NULL,          -- last run that came to an end without an error
    next_ms BIGINT NOT NULL,
    lease_ms BIGINT NOT NULL,         -- until when a run has it
    failures BIGINT NOT NULL          -- in a row
);
CREATE UNIQUE INDEX directory_source_name ON directory_source (org, name);
CREATE INDEX directory_source_next ON directory_source (next_ms);

-- Runs that changed something, or could not.
CREATE TABLE directory_run (
    id BIGINT PRIMARY KEY,
    org BIGINT NOT NULL,
    source BIGINT NOT NULL,
    made_ms BIGINT NOT NULL,
    took_ms BIGINT NOT NULL,
    outcome TEXT NOT NULL,            -- applied, same, stopped, failed
    counts TEXT NOT NULL,             -- JSON
    error TEXT NOT NULL               -- JSON, '' for none
);
CREATE INDEX directory_run_source ON directory_run (source, id);

-- What would go, while a person is asked.
CREATE TABLE directory_pending (
    source BIGINT NOT NULL,
    org BIGINT NOT NULL,
    kind TEXT NOT NULL,               -- recipient, group, members
    what TEXT NOT NULL,               -- address, name, or how many
    PRIMARY KEY (source, kind, what)
);

-- Accounts that a directory sends by SCIM.
CREATE TABLE scim_user (
    id BIGINT PRIMARY KEY,
    org BIGINT NOT NULL,
    user_name TEXT NOT NULL,          -- lower case; unique in the organisation
    external TEXT NOT NULL,
    resource TEXT NOT NULL,           -- JSON as it was sent
    made_ms BIGINT NOT NULL,
    changed_ms BIGINT NOT NULL
);
CREATE UNIQUE INDEX scim_user_name ON scim_user (org, user_name);
CREATE INDEX scim_user_external ON scim_user (org, external);
-- Addresses of accounts, for questions by address.
CREATE TABLE scim_address (
    account BIGINT NOT NULL,
    org BIGINT NOT NULL,
    address TEXT NOT NULL,
    PRIMARY KEY (account, address)
);
CREATE INDEX scim_address_address ON scim_address (org, address);
-- Accounts that went by SCIM, and what somebody said about it: too many within an hour are asked about.
CREATE TABLE scim_gone (
    account BIGINT NOT NULL,
    org BIGINT NOT NULL,
    at_ms BIGINT NOT NULL,
    PRIMARY KEY (account, at_ms)
);
CREATE INDEX scim_gone_at ON scim_gone (org, at_ms);
CREATE TABLE scim_guard (
    org BIGINT NOT NULL,
    asked_ms BIGINT NOT NULL,         -- since when somebody is asked; 0: nobody is
    allowed_ms BIGINT NOT NULL,       -- until when any number may go
    PRIMARY KEY (org)
);
