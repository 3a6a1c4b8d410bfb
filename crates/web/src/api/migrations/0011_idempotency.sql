-- What POST requests with an Idempotency-Key were answered, so that the same request sent again is answered the same and done once.
CREATE TABLE kept_answer (
    person BIGINT NOT NULL,
    name TEXT NOT NULL,               -- the key as the program chose it
    digest TEXT NOT NULL,             -- SHA-256 of method, path, query, media type and body, in hex
    made_ms BIGINT NOT NULL,
    status BIGINT NOT NULL,           -- 0: being done, or never ended; 1: done, and the answer is not kept
    media_type TEXT NOT NULL,
    location TEXT NOT NULL,
    body BYTEA NOT NULL,
    PRIMARY KEY (person, name)
) /*sqlite WITHOUT ROWID*/;
CREATE INDEX kept_answer_made ON kept_answer (made_ms);
