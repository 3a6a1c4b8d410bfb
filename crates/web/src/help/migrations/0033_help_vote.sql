-- Whether an article was useful, by day: counted, without who said so.
CREATE TABLE help_vote (
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    lang TEXT NOT NULL,
    day BIGINT NOT NULL,
    useful BIGINT NOT NULL,
    useless BIGINT NOT NULL,
    PRIMARY KEY (kind, name, lang, day)
);
-- What somebody missed in an article, in their own words.
CREATE TABLE help_words (
    id BIGINT NOT NULL PRIMARY KEY,
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    lang TEXT NOT NULL,
    at_ms BIGINT NOT NULL,
    is_useful BIGINT NOT NULL,
    words TEXT NOT NULL
);
CREATE INDEX help_words_at ON help_words (at_ms);
