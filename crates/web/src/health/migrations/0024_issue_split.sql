-- Issues that were split off another, and what belongs together found quickly.
ALTER TABLE issue ADD COLUMN split_from BIGINT NOT NULL DEFAULT 0;
CREATE INDEX issue_split ON issue (split_from);
CREATE INDEX issue_merged ON issue (merged_into);
