-- What administrators were written to about directories, so that each stop and each failure is told once.
CREATE TABLE directory_told (
    org BIGINT NOT NULL,
    subject TEXT NOT NULL,            -- "directory NUMBER", or "scim"
    at_ms BIGINT NOT NULL,            -- since when it stood so
    PRIMARY KEY (org, subject)
);
