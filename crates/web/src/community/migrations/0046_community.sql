-- Community: spaces, questions, answers and comments, and what people do with them.
CREATE TABLE community_space (
    id BIGINT PRIMARY KEY,
    org BIGINT NOT NULL,              -- whose people read and write here; 0: all of the installation
    name TEXT NOT NULL,               -- in addresses
    title TEXT NOT NULL,
    about TEXT NOT NULL,
    is_public BIGINT NOT NULL,        -- 1: everybody reads, signed in or not
    is_closed BIGINT NOT NULL,        -- 1: nothing more is written
    made_ms BIGINT NOT NULL
);
CREATE UNIQUE INDEX community_space_name ON community_space (name);

-- Everything that somebody wrote. A question is a post as well, with the same number.
CREATE TABLE community_post (
    id BIGINT PRIMARY KEY,
    org BIGINT NOT NULL,
    space BIGINT NOT NULL,
    question BIGINT NOT NULL,         -- it belongs to
    parent BIGINT NOT NULL,           -- post that a comment is about, question that an answer is to; 0: a question
    kind TEXT NOT NULL,               -- question, answer, comment
    person BIGINT NOT NULL,
    who TEXT NOT NULL,                -- as shown
    staff TEXT NOT NULL,              -- role of somebody of the service, or ''
    body TEXT NOT NULL,               -- Markdown
    state TEXT NOT NULL,              -- shown, held, removed, withdrawn
    reason TEXT NOT NULL,             -- why it is not shown
    score BIGINT NOT NULL,            -- sum of votes
    edits BIGINT NOT NULL,
    edited_ms BIGINT NOT NULL,        -- 0: as it was written
    reports BIGINT NOT NULL           -- that nobody settled yet
);
CREATE INDEX community_post_question ON community_post (question, id);
CREATE INDEX community_post_space ON community_post (space, id);
CREATE INDEX community_post_waiting ON community_post (id) WHERE state = 'held' OR reports > 0;
CREATE INDEX community_post_removed ON community_post (id) WHERE state = 'removed';

CREATE TABLE community_question (
    id BIGINT PRIMARY KEY,
    org BIGINT NOT NULL,
    space BIGINT NOT NULL,
    person BIGINT NOT NULL,
    title TEXT NOT NULL,
    lang TEXT NOT NULL,               -- BCP 47
    tags TEXT NOT NULL,               -- with spaces between
    is_listed BIGINT NOT NULL,        -- 1: its post is shown
    is_locked BIGINT NOT NULL,
    duplicate_of BIGINT NOT NULL,     -- 0: of none
    accepted BIGINT NOT NULL,         -- answer; 0: none
    answers BIGINT NOT NULL,          -- that are shown
    solution BIGINT NOT NULL,         -- published from an answer; 0: none
    last_ms BIGINT NOT NULL
);
CREATE INDEX community_question_space ON community_question (space, id);
CREATE INDEX community_question_person ON community_question (person, id);
CREATE INDEX community_question_open ON community_question (id) WHERE is_listed = 1 AND answers = 0;
CREATE INDEX community_question_solution ON community_question (solution) WHERE solution > 0;

CREATE TABLE community_tag (
    question BIGINT NOT NULL,
    org BIGINT NOT NULL,
    space BIGINT NOT NULL,
    tag TEXT NOT NULL,
    PRIMARY KEY (question, tag)
);
CREATE INDEX community_tag_find ON community_tag (tag, question);

-- What a post was before each edit.
CREATE TABLE community_revision (
    id BIGINT PRIMARY KEY,
    org BIGINT NOT NULL,
    post BIGINT NOT NULL,
    person BIGINT NOT NULL,           -- who changed it then
    who TEXT NOT NULL,
    why TEXT NOT NULL,
    title TEXT NOT NULL,
    tags TEXT NOT NULL,
    body TEXT NOT NULL
);
CREATE INDEX community_revision_post ON community_revision (post, id);

CREATE TABLE community_vote (
    post BIGINT NOT NULL,
    org BIGINT NOT NULL,
    person BIGINT NOT NULL,
    value BIGINT NOT NULL,            -- 1 or -1
    PRIMARY KEY (post, person)
);

CREATE TABLE community_report (
    id BIGINT PRIMARY KEY,
    org BIGINT NOT NULL,
    post BIGINT NOT NULL,
    person BIGINT NOT NULL,
    reason TEXT NOT NULL,             -- spam, rude, private, wrong-place, other
    words TEXT NOT NULL,
    is_open BIGINT NOT NULL
);
CREATE UNIQUE INDEX community_report_one ON community_report (post, person) WHERE is_open = 1;

-- Who is told of what happens to a question.
CREATE TABLE community_follow (
    question BIGINT NOT NULL,
    person BIGINT NOT NULL,
    PRIMARY KEY (question, person)
);
CREATE INDEX community_follow_person ON community_follow (person, question);

-- What a person is told by the bell; the latest about a question.
CREATE TABLE community_notice (
    person BIGINT NOT NULL,
    question BIGINT NOT NULL,
    kind TEXT NOT NULL,               -- answer, comment, accepted, edited, closed, removed, shown
    post BIGINT NOT NULL,
    at_ms BIGINT NOT NULL,
    letter_ms BIGINT NOT NULL,        -- when a letter about it went; 0: none did
    PRIMARY KEY (person, question)
);
CREATE INDEX community_notice_when ON community_notice (person, at_ms);

-- Words of questions and of their answers, to find them by.
CREATE TABLE community_term (
    question BIGINT NOT NULL,
    org BIGINT NOT NULL,
    space BIGINT NOT NULL,
    term TEXT NOT NULL,
    weight BIGINT NOT NULL,
    PRIMARY KEY (question, term)
);
CREATE INDEX community_term_find ON community_term (term, question, space, weight);
