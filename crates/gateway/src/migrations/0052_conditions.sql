-- For a condition with more than two values in IN, SQLite builds a table in memory each time a row is written: nine for one mail. The
-- same rows, said in comparisons. The conditions stand word for word in trace::sql::IS_REST and IS_REFUSAL.
DROP INDEX recipient_rest;
DROP INDEX recipient_rest_org;
DROP INDEX event_refused;
CREATE INDEX recipient_rest ON recipient (state, mail, org) WHERE state NOT IN ('queued', 'delivered');
CREATE INDEX recipient_rest_org ON recipient (org, state, mail) WHERE state NOT IN ('queued', 'delivered');
CREATE INDEX event_refused ON event (id) WHERE kind = 'connection-refused' OR kind = 'protocol-refused' OR kind = 'sign-in-refused'
    OR kind = 'sender-refused' OR kind = 'recipient-refused' OR kind = 'content-refused' OR kind = 'not-recorded';
