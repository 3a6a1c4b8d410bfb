-- An address of an account has the account's first address in `main`; '' is an address that stands for itself.
ALTER TABLE known_recipient ADD COLUMN main TEXT NOT NULL DEFAULT '';

-- Groups of recipients, named in policies and rules.
CREATE TABLE directory_group (
    id BIGINT PRIMARY KEY,
    org BIGINT NOT NULL,
    name TEXT NOT NULL,               -- as people write it
    name_key TEXT NOT NULL,           -- lower case; unique in the organisation
    address TEXT NOT NULL,            -- of the group itself, may be ''
    external TEXT NOT NULL,           -- what its source calls it: a DN, an identifier; may be ''
    source TEXT NOT NULL,             -- page, command, scim, ldap:NUMBER
    made_ms BIGINT NOT NULL,
    changed_ms BIGINT NOT NULL
);
CREATE UNIQUE INDEX directory_group_name ON directory_group (org, name_key);
CREATE INDEX directory_group_source ON directory_group (org, source, external);

-- Who is in a group: an address, or everybody of another group. What SCIM knows only by an account keeps its number.
CREATE TABLE directory_member (
    grp BIGINT NOT NULL,
    org BIGINT NOT NULL,
    address TEXT NOT NULL,            -- '' with inner_grp, and of accounts without an address
    inner_grp BIGINT NOT NULL,        -- 0: none
    account BIGINT NOT NULL,          -- 0: none
    PRIMARY KEY (grp, address, inner_grp, account)
);
CREATE INDEX directory_member_account ON directory_member (account, grp);
CREATE INDEX directory_member_inner ON directory_member (inner_grp, grp);
