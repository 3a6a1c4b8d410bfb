-- When each person was last sent the week's letter about health.
CREATE TABLE health_digest (
    person BIGINT PRIMARY KEY,
    sent_ms BIGINT NOT NULL
);
