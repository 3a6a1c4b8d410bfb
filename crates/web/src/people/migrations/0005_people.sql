-- People who sign in, their sessions and links, and the audit log.

CREATE TABLE person (
    id BIGINT PRIMARY KEY,
    org BIGINT NOT NULL,              -- 0: belongs to no organisation (operators, support)
    email TEXT NOT NULL UNIQUE,       -- as mail::Address::key writes it
    name TEXT NOT NULL,
    role TEXT NOT NULL,
    own_role BIGINT NOT NULL DEFAULT 0, -- a role that the organisation made, instead of the one above; 0: none
    language TEXT NOT NULL,           -- '' is as the browser says
    zone TEXT NOT NULL DEFAULT '',    -- IANA name; '' is as the browser says
    colours TEXT NOT NULL DEFAULT '', -- '' is as the browser says
    password TEXT NOT NULL,           -- argon2id in PHC form; '' has none
    is_active BIGINT NOT NULL,
    made_ms BIGINT NOT NULL,
    seen_ms BIGINT
);
CREATE INDEX person_org ON person (org, email);

CREATE TABLE person_session (
    token TEXT PRIMARY KEY,           -- SHA-256 of what the browser has, in hex
    id BIGINT NOT NULL,               -- names it in lists
    person BIGINT NOT NULL,
    org BIGINT NOT NULL,              -- organisation an operator acts in; 0: all
    how TEXT NOT NULL,                -- password, link, passkey, provider: how it began
    sure_ms BIGINT NOT NULL,          -- when the person last proved to be there
    made_ms BIGINT NOT NULL,
    seen_ms BIGINT NOT NULL,
    until_ms BIGINT NOT NULL,
    ip TEXT NOT NULL,
    agent TEXT NOT NULL
) /*sqlite WITHOUT ROWID*/;
CREATE INDEX person_session_person ON person_session (person);

-- A link that signs in once: sent by mail, printed by the demo and at first start, an invitation.
CREATE TABLE sign_in_link (
    token TEXT PRIMARY KEY,           -- SHA-256, in hex
    person BIGINT NOT NULL,
    purpose TEXT NOT NULL,            -- sign-in, mail, invitation, first-run
    until_ms BIGINT NOT NULL
) /*sqlite WITHOUT ROWID*/;
CREATE INDEX sign_in_link_person ON sign_in_link (person);

-- Every change, and every read of somebody else's mail. Rows are only added.
CREATE TABLE audit (
    id BIGINT PRIMARY KEY,
    org BIGINT NOT NULL,              -- 0: concerns no organisation
    person BIGINT NOT NULL,           -- 0: nobody signed in
    who TEXT NOT NULL,                -- address at that time
    ip TEXT NOT NULL,
    action TEXT NOT NULL,             -- such as "quarantine.release"
    subject TEXT NOT NULL,            -- what it was done to, such as a mail's id
    detail TEXT NOT NULL              -- JSON
);
CREATE INDEX audit_org ON audit (org, id);
