-- Second factors, roles of an organisation's own, API tokens, sign-in through an organisation's provider; and the audit log only grows.

CREATE TABLE own_role (
    id BIGINT PRIMARY KEY,
    org BIGINT NOT NULL,
    name TEXT NOT NULL,
    may TEXT NOT NULL,                -- names of permissions, with spaces between
    made_ms BIGINT NOT NULL
);
CREATE UNIQUE INDEX own_role_name ON own_role (org, name);

-- A person's authenticator app (RFC 6238).
CREATE TABLE totp (
    person BIGINT PRIMARY KEY,
    secret TEXT NOT NULL,             -- base32
    is_on BIGINT NOT NULL,            -- 0: shown, and not confirmed by a code yet
    last_step BIGINT NOT NULL,        -- the newest code that was used; it and older ones are refused
    made_ms BIGINT NOT NULL
);

CREATE TABLE recovery_code (
    person BIGINT NOT NULL,
    code TEXT NOT NULL,               -- SHA-256, in hex
    PRIMARY KEY (person, code)
) /*sqlite WITHOUT ROWID*/;

CREATE TABLE passkey (
    id TEXT PRIMARY KEY,              -- credential identifier, base64url
    person BIGINT NOT NULL,
    name TEXT NOT NULL,
    credential TEXT NOT NULL,         -- JSON: public key and counter
    made_ms BIGINT NOT NULL,
    used_ms BIGINT
) /*sqlite WITHOUT ROWID*/;
CREATE INDEX passkey_person ON passkey (person);

-- A sign-in or a registration that is half done; what the browser has is only this row's token.
CREATE TABLE ceremony (
    token TEXT PRIMARY KEY,           -- SHA-256, in hex
    kind TEXT NOT NULL,
    person BIGINT NOT NULL,           -- 0: not known yet
    state TEXT NOT NULL,              -- JSON
    tries BIGINT NOT NULL,
    until_ms BIGINT NOT NULL
) /*sqlite WITHOUT ROWID*/;
CREATE INDEX ceremony_until ON ceremony (until_ms);

-- A browser in which a person signed in before: strangers who guess at the account do not slow it down there.
CREATE TABLE known_device (
    token TEXT PRIMARY KEY,           -- SHA-256, in hex
    person BIGINT NOT NULL,
    until_ms BIGINT NOT NULL
) /*sqlite WITHOUT ROWID*/;
CREATE INDEX known_device_person ON known_device (person);

CREATE TABLE api_token (
    id BIGINT PRIMARY KEY,
    org BIGINT NOT NULL,              -- 0: of the service
    person BIGINT NOT NULL,
    name TEXT NOT NULL,
    token TEXT NOT NULL UNIQUE,       -- SHA-256, in hex
    may TEXT NOT NULL,                -- names of permissions, with spaces between
    made_ms BIGINT NOT NULL,
    until_ms BIGINT NOT NULL,
    used_ms BIGINT,
    used_ip TEXT NOT NULL
);
CREATE INDEX api_token_person ON api_token (person, id);

-- How the people of an organisation sign in.
CREATE TABLE access_setting (
    org BIGINT PRIMARY KEY,
    settings TEXT NOT NULL            -- JSON
);

-- Who somebody is at their organisation's provider.
CREATE TABLE provider_person (
    org BIGINT NOT NULL,
    issuer TEXT NOT NULL,
    subject TEXT NOT NULL,
    person BIGINT NOT NULL,
    is_brought BIGINT NOT NULL,       -- 1: the provider brought them, and its groups give the role
    made_ms BIGINT NOT NULL,
    PRIMARY KEY (org, issuer, subject)
) /*sqlite WITHOUT ROWID*/;

-- Changes that count people first (the last administrator stays) take turns here.
CREATE TABLE people_turn (one BIGINT PRIMARY KEY);
INSERT INTO people_turn (one) VALUES (1);

CREATE INDEX audit_subject ON audit (org, subject, id);

/*sqlite
CREATE TRIGGER audit_is_not_changed BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'the audit log only grows'); END;
CREATE TRIGGER audit_is_not_removed BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, 'the audit log only grows'); END;
CREATE TRIGGER audit_is_not_replaced BEFORE INSERT ON audit WHEN EXISTS (SELECT 1 FROM audit WHERE id = NEW.id) BEGIN SELECT RAISE(ABORT, 'the audit log only grows'); END;
*/
/*postgres
CREATE FUNCTION audit_only_grows() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'the audit log only grows'; END $$;
CREATE TRIGGER audit_is_not_changed BEFORE UPDATE OR DELETE OR TRUNCATE ON audit FOR EACH STATEMENT EXECUTE FUNCTION audit_only_grows();
*/
