-- Lists by state and by person, each from an index of its own, on a table of which nearly all rows are delivered.
DROP INDEX recipient_held;
-- The condition stands word for word in trace::sql::IS_REST.
CREATE INDEX recipient_rest ON recipient (state, mail) WHERE state IN ('held', 'bounced', 'deleted', 'expired');
CREATE INDEX recipient_rest_org ON recipient (org, state, mail) WHERE state IN ('held', 'bounced', 'deleted', 'expired');
CREATE INDEX recipient_held_address ON recipient (address, mail, org) WHERE state = 'held';
