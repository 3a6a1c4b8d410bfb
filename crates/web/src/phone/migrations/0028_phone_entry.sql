-- The phone directory of the installation: what callers of a country dial for which questions, in which languages and when. Who changed
-- what stands in the audit log. Either a number (E.164) or the kind of question whose numbers serve these as well.
CREATE TABLE phone_entry (
  id BIGINT PRIMARY KEY,
  country TEXT NOT NULL,
  purposes TEXT NOT NULL,
  same_as TEXT NOT NULL,
  number TEXT NOT NULL,
  kind TEXT NOT NULL,
  lines TEXT NOT NULL,
  holidays TEXT NOT NULL,
  cost TEXT NOT NULL,
  changed_ms BIGINT NOT NULL,
  changed_by TEXT NOT NULL
);
CREATE INDEX phone_entry_country ON phone_entry (country, id);
