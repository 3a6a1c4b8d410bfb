-- Service requests: what was asked, what was said since, files, what support may see, and what solved it.
CREATE TABLE service_request (
    id BIGINT PRIMARY KEY,
    org BIGINT NOT NULL,
    requester BIGINT NOT NULL,        -- person
    address TEXT NOT NULL,            -- of the requester, where letters go
    name TEXT NOT NULL,               -- of the requester
    title TEXT NOT NULL,
    description TEXT NOT NULL,
    kind TEXT NOT NULL,               -- technical, pre-purchase, billing
    area TEXT NOT NULL,               -- part of the product
    severity TEXT NOT NULL,           -- a, b, c
    impact TEXT NOT NULL,             -- JSON
    contact TEXT NOT NULL,            -- JSON
    lang TEXT NOT NULL,               -- BCP 47, of the requester
    state TEXT NOT NULL,              -- new, open, waiting-customer, waiting-us, resolved, closed
    assignee BIGINT NOT NULL,         -- person of support; 0: nobody yet
    plan BIGINT NOT NULL,             -- version of the plan whose clocks run; 0: none
    queue TEXT NOT NULL,              -- '' or the name of a queue of its own, such as accessibility
    issue TEXT NOT NULL,              -- number of the service issue it belongs to, or ''
    merged_into BIGINT NOT NULL,      -- another request; 0: none
    solution TEXT NOT NULL,           -- what solved it, in words; '' not yet
    probe TEXT NOT NULL,              -- how to see whether it still applies, JSON; '' nothing to look at
    secret TEXT NOT NULL,             -- key of its reply addresses
    told BIGINT NOT NULL,             -- reminders since it was resolved or waits for the requester
    next_ms BIGINT NOT NULL,          -- when the rule of silence acts next; 0: never
    last_ms BIGINT NOT NULL           -- of the last event
);
CREATE INDEX service_request_org ON service_request (org, last_ms, id);
CREATE INDEX service_request_state ON service_request (state, last_ms, id);
CREATE INDEX service_request_assignee ON service_request (assignee, state, last_ms);
CREATE INDEX service_request_next ON service_request (next_ms) WHERE next_ms > 0;

-- What happened, in order; rows are added and never changed. Clocks follow from these alone.
CREATE TABLE request_event (
    id BIGINT PRIMARY KEY,
    org BIGINT NOT NULL,
    request BIGINT NOT NULL,
    at_ms BIGINT NOT NULL,
    kind TEXT NOT NULL,               -- opened, word, note, call, state, severity, assign, plan, file, consent, read, proposal, ...
    side TEXT NOT NULL,               -- requester, support, system
    person BIGINT NOT NULL,           -- 0: nobody who signs in
    who TEXT NOT NULL,                -- name or address as shown
    via TEXT NOT NULL,                -- web, mail, api, phone, rule
    is_internal BIGINT NOT NULL,      -- 1: support only
    is_automatic BIGINT NOT NULL,     -- 1: no person wrote it; stops no clock
    body TEXT NOT NULL,
    quoted TEXT NOT NULL,             -- what a mail quoted of earlier words; folded
    detail TEXT NOT NULL,             -- JSON, by kind
    message_id TEXT NOT NULL          -- of the mail it came by, or ''
);
CREATE INDEX request_event_request ON request_event (request, id);
CREATE UNIQUE INDEX request_event_mail ON request_event (request, message_id) WHERE message_id <> '';

-- People who get copies.
CREATE TABLE request_copy (
    request BIGINT NOT NULL,
    org BIGINT NOT NULL,
    address TEXT NOT NULL,
    PRIMARY KEY (request, address)
);

-- Files and evidence. Octets lie in pieces, so that an upload can be resumed and is durable with the request.
CREATE TABLE request_file (
    id BIGINT PRIMARY KEY,
    org BIGINT NOT NULL,
    request BIGINT NOT NULL,          -- 0: chosen in a form that was not sent yet
    event BIGINT NOT NULL,            -- the word it came with; 0: none yet
    person BIGINT NOT NULL,           -- whose upload it is
    kind TEXT NOT NULL,               -- file, evidence
    name TEXT NOT NULL,
    media TEXT NOT NULL,
    octets BIGINT NOT NULL,
    received BIGINT NOT NULL,         -- octets that are here
    digest TEXT NOT NULL,             -- SHA-256 in hex of the whole
    state TEXT NOT NULL,              -- arriving, clean, refused, preview
    found TEXT NOT NULL,              -- what our engines said
    is_internal BIGINT NOT NULL,
    source TEXT NOT NULL,             -- '' or mail, bounce, alert, issue, connector, diagnosis, agent, ...
    source_id TEXT NOT NULL,
    made_ms BIGINT NOT NULL
);
CREATE INDEX request_file_request ON request_file (request, id);
CREATE INDEX request_file_loose ON request_file (person, id) WHERE request = 0;
CREATE TABLE request_piece (
    file BIGINT NOT NULL,
    at BIGINT NOT NULL,               -- offset in octets
    octets BYTEA NOT NULL,
    PRIMARY KEY (file, at)
);

-- What support may see, who, and until when.
CREATE TABLE request_consent (
    id BIGINT PRIMARY KEY,
    org BIGINT NOT NULL,
    request BIGINT NOT NULL,
    what TEXT NOT NULL,               -- trace, quarantine, settings, health, with spaces between
    person BIGINT NOT NULL,           -- the one engineer; 0: whoever of support works on it
    given_by TEXT NOT NULL,
    given_ms BIGINT NOT NULL,
    until_ms BIGINT NOT NULL,
    ended_ms BIGINT NOT NULL,         -- revoked, or the request was closed; 0: not
    ended_by TEXT NOT NULL
);
CREATE INDEX request_consent_request ON request_consent (request, id);
CREATE INDEX request_consent_org ON request_consent (org, until_ms) WHERE ended_ms = 0;

-- What support read under a consent.
CREATE TABLE request_read (
    id BIGINT PRIMARY KEY,
    org BIGINT NOT NULL,
    request BIGINT NOT NULL,
    consent BIGINT NOT NULL,
    person BIGINT NOT NULL,
    who TEXT NOT NULL,
    what TEXT NOT NULL,
    path TEXT NOT NULL,
    at_ms BIGINT NOT NULL
);
CREATE INDEX request_read_request ON request_read (request, id);

-- Changes that support proposes and the organisation approves.
CREATE TABLE request_proposal (
    id BIGINT PRIMARY KEY,
    org BIGINT NOT NULL,
    request BIGINT NOT NULL,
    what TEXT NOT NULL,               -- JSON
    why TEXT NOT NULL,
    state TEXT NOT NULL,              -- open, approved, declined, withdrawn
    by_person BIGINT NOT NULL,
    made_ms BIGINT NOT NULL,
    decided_by TEXT NOT NULL,
    decided_ms BIGINT NOT NULL,
    outcome TEXT NOT NULL             -- what approving came to
);
CREATE INDEX request_proposal_request ON request_proposal (request, id);

-- Words of requests, to find them by. shelf 0: no solution yet, 1: solved.
CREATE TABLE request_term (
    org BIGINT NOT NULL,
    term TEXT NOT NULL,
    shelf BIGINT NOT NULL,
    request BIGINT NOT NULL,
    weight BIGINT NOT NULL,
    PRIMARY KEY (org, term, shelf, request)
);
CREATE INDEX request_term_all ON request_term (term, shelf, request);
CREATE INDEX request_term_request ON request_term (request);

-- Solutions that everybody may read, told without whom they came from.
CREATE TABLE solution (
    id BIGINT PRIMARY KEY,
    request BIGINT NOT NULL,          -- where it came from; 0: written by hand
    lang TEXT NOT NULL,
    title TEXT NOT NULL,
    problem TEXT NOT NULL,
    text TEXT NOT NULL,
    area TEXT NOT NULL,
    probe TEXT NOT NULL,
    by_person BIGINT NOT NULL,
    published_ms BIGINT NOT NULL,
    withdrawn_ms BIGINT NOT NULL,     -- 0: it stands
    helped BIGINT NOT NULL,
    helped_not BIGINT NOT NULL
);
CREATE INDEX solution_request ON solution (request);
CREATE TABLE solution_term (
    term TEXT NOT NULL,
    solution BIGINT NOT NULL,
    weight BIGINT NOT NULL,
    PRIMARY KEY (term, solution)
);
CREATE INDEX solution_term_solution ON solution_term (solution);
