-- Senders whose mail was refused ask an organisation to look again.
CREATE TABLE second_look (
    id BIGINT PRIMARY KEY,
    org BIGINT NOT NULL,
    refusal BIGINT NOT NULL,          -- event of the refusal
    mail BIGINT NOT NULL,             -- 0: refused before there was one
    kind TEXT NOT NULL,               -- of the event
    domain TEXT NOT NULL,             -- of the sender, or '' for the null reverse-path
    facts TEXT NOT NULL,              -- detail of the event as it was, JSON
    why TEXT NOT NULL,
    contact TEXT NOT NULL,            -- address of whoever asks
    lang TEXT NOT NULL,
    token TEXT NOT NULL,              -- SHA-256 of the link that shows its state
    proof TEXT NOT NULL,              -- SHA-256 of what was mailed to the contact; '' when nothing was
    proven_ms BIGINT,
    state TEXT NOT NULL,              -- open, allowed, mended, declined, withdrawn
    answer TEXT NOT NULL,
    answered_by TEXT NOT NULL,
    answered_ms BIGINT,
    until_ms BIGINT,                  -- end of the allow entry; NULL: none, or never
    draft BIGINT NOT NULL,            -- draft of an allow entry; 0: none
    again TEXT NOT NULL               -- what looking again came to, JSON; '' when nobody did
);
CREATE UNIQUE INDEX second_look_token ON second_look (token);
CREATE UNIQUE INDEX second_look_one ON second_look (refusal) WHERE state = 'open';
CREATE INDEX second_look_org ON second_look (org, id);
