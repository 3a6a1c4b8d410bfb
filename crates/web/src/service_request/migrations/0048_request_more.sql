-- What somebody thinks of how a request was solved; asked once.
CREATE TABLE request_rating (
    request BIGINT PRIMARY KEY,
    org BIGINT NOT NULL,
    asked_ms BIGINT NOT NULL,
    stars BIGINT NOT NULL,            -- 1 to 5; 0: not said yet
    words TEXT NOT NULL,
    by_whom TEXT NOT NULL,
    at_ms BIGINT NOT NULL             -- 0: not said yet
);
CREATE INDEX request_rating_asked ON request_rating (asked_ms);

-- People who are named in words of a request.
CREATE TABLE request_mention (
    event BIGINT NOT NULL,
    person BIGINT NOT NULL,
    org BIGINT NOT NULL,
    request BIGINT NOT NULL,
    who TEXT NOT NULL,                -- who named them, as shown
    at_ms BIGINT NOT NULL,
    PRIMARY KEY (event, person)
);
CREATE INDEX request_mention_person ON request_mention (person, at_ms);

-- Requests that an engineer wants out of the way until a moment, or until the requester says something.
CREATE TABLE request_snooze (
    request BIGINT PRIMARY KEY,
    org BIGINT NOT NULL,
    person BIGINT NOT NULL,
    until_ms BIGINT NOT NULL,         -- 9223372036854775807: until the requester says something
    set_ms BIGINT NOT NULL
);
CREATE INDEX request_snooze_person ON request_snooze (person, until_ms);

-- Numbers by which somebody on the telephone shows who they are.
CREATE TABLE caller_pin (
    person BIGINT PRIMARY KEY,
    org BIGINT NOT NULL,
    pin TEXT NOT NULL,
    until_ms BIGINT NOT NULL
);
CREATE UNIQUE INDEX caller_pin_pin ON caller_pin (pin);

-- People who want to be called.
CREATE TABLE call_back (
    id BIGINT PRIMARY KEY,
    org BIGINT NOT NULL,
    person BIGINT NOT NULL,
    name TEXT NOT NULL,
    number TEXT NOT NULL,             -- E.164
    lang TEXT NOT NULL,               -- BCP 47
    about TEXT NOT NULL,
    request BIGINT NOT NULL,          -- 0: none
    slot_ms BIGINT NOT NULL,          -- beginning of the half hour
    state TEXT NOT NULL,              -- waiting, called, missed, cancelled
    outcome TEXT NOT NULL,            -- words of whoever called
    done_by TEXT NOT NULL,
    done_ms BIGINT NOT NULL,
    made_ms BIGINT NOT NULL
);
CREATE INDEX call_back_slot ON call_back (state, slot_ms, id);
CREATE INDEX call_back_person ON call_back (person, id);
