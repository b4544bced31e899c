CREATE SCHEMA IF NOT EXISTS ussd;

-- How dialogues went, added up: nobody's number, session, bill or input is in it.
CREATE TABLE ussd.step (
    day       date NOT NULL,                       -- of the installation's zone
    channel   text NOT NULL,
    service   text NOT NULL,                       -- AGENCY/SERVICE, empty before one is known
    language  text NOT NULL,
    screen    text NOT NULL,
    hops      bigint NOT NULL DEFAULT 0,
    failed    bigint NOT NULL DEFAULT 0,           -- answered with an apology
    ms        bigint NOT NULL DEFAULT 0,           -- spent on all its hops
    entered   bigint NOT NULL DEFAULT 0,           -- dialogues that came to the screen
    moved_on  bigint NOT NULL DEFAULT 0,           -- ... and went to another
    ended     bigint NOT NULL DEFAULT 0,           -- ... or were closed by it, as it should be
    opened    bigint NOT NULL DEFAULT 0,           -- dialogues that came here to a service they had not had before,
    priced    bigint NOT NULL DEFAULT 0,           -- saw its price,
    confirmed bigint NOT NULL DEFAULT 0,           -- said yes to it
    PRIMARY KEY (day, channel, service, language, screen)
);

-- The last batch each process has added, so that one sent twice counts once.
CREATE TABLE ussd.writer (
    id    uuid PRIMARY KEY,
    batch bigint NOT NULL,
    at    timestamptz NOT NULL
);
