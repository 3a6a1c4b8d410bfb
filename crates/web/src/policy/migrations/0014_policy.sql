-- What somebody is about to save, and what it would have done to past mail. Rows go after a day.
CREATE TABLE draft (
    id BIGINT PRIMARY KEY,
    org BIGINT NOT NULL,
    person BIGINT NOT NULL,           -- who makes it; nobody else sees it
    what TEXT NOT NULL,               -- JSON
    days BIGINT NOT NULL,             -- how far the replay looks back
    state TEXT NOT NULL,              -- running, done, failed, saved
    progress TEXT NOT NULL,           -- JSON: receipts read so far, and how far back
    outcome TEXT NOT NULL,            -- JSON; '' until it is done
    made_ms BIGINT NOT NULL,
    seen_ms BIGINT NOT NULL           -- when the server that replays was last heard of
);
CREATE INDEX draft_person ON draft (org, person, id);
CREATE INDEX draft_made ON draft (made_ms);

-- What an organisation chose about allow and block entries.
CREATE TABLE entry_choice (
    org BIGINT NOT NULL,
    people_may BIGINT NOT NULL,       -- people make entries for their own mailbox
    warn_days BIGINT NOT NULL,        -- days before an entry ends that its maker is told; 0: not told
    PRIMARY KEY (org)
);
