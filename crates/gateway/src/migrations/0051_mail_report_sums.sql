-- What each report added to the sums of its day, as JSON, so that it can be taken back; '' for those of before, and where it added nothing.
ALTER TABLE mail_report ADD COLUMN sums TEXT NOT NULL DEFAULT '';
