-- Some of the mail that came, without a word about it: what people's reports must not change. At most a day's worth, one of every five minutes.
CREATE TABLE usual_mail (
    org BIGINT NOT NULL,
    span BIGINT NOT NULL,             -- which five minutes of the day
    at_ms BIGINT NOT NULL,
    octets BYTEA NOT NULL,            -- detect::classify::delta::Usual: hashed features, no text and no address
    PRIMARY KEY (org, span)
);
CREATE INDEX usual_mail_age ON usual_mail (at_ms);
