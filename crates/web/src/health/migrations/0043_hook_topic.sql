-- What a hook hears of: words with blanks between: health, mail, held, quarantine, request.
ALTER TABLE health_hook ADD COLUMN topics TEXT NOT NULL DEFAULT 'health';
-- Up to which row each source was told of.
CREATE TABLE health_hook_feed (
    source TEXT PRIMARY KEY,          -- mail, audit, request
    last_id BIGINT NOT NULL
);
CREATE INDEX health_hook_try_hook ON health_hook_try (hook, id);
