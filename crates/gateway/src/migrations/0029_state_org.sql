-- Lists by state of one organisation, and of all, read the organisation from the index.
DROP INDEX recipient_rest;
-- The condition stands word for word in trace::sql::IS_REST.
CREATE INDEX recipient_rest ON recipient (state, mail, org) WHERE state IN ('held', 'bounced', 'deleted', 'expired');
