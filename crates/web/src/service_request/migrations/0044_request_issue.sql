-- Requests that a service issue explains are listed with it.
CREATE INDEX service_request_issue ON service_request (issue, last_ms) WHERE issue <> '';
