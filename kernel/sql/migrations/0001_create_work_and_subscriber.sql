CREATE SCHEMA IF NOT EXISTS kernel;

-- What must happen next, written in the transaction of the fact that causes it.
CREATE TABLE kernel.work (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind         text NOT NULL,
    key          text NOT NULL,
    due_at       timestamptz NOT NULL DEFAULT now(),
    attempts     int NOT NULL DEFAULT 0,
    again_at     timestamptz,                      -- asked for while it was leased: run once more, then
    token        bigint,                           -- fence: the newest holder's
    leased_until timestamptz,
    parked_at    timestamptz,                      -- given up after too many tries; a person looks
    last_error   text,
    created_at   timestamptz NOT NULL DEFAULT now(),
    UNIQUE (kind, key)
);
CREATE INDEX work_due ON kernel.work (due_at) WHERE parked_at IS NULL;
CREATE INDEX work_parked ON kernel.work (parked_at) WHERE parked_at IS NOT NULL;
CREATE SEQUENCE kernel.work_token;

-- The one place a subscriber's number is kept, sealed; everything else refers to the pseudonym.
CREATE TABLE kernel.subscriber (
    pseudonym     bytea PRIMARY KEY CHECK (octet_length(pseudonym) = 16),
    sealed_msisdn bytea NOT NULL,
    language      text CHECK (language IN ('ar', 'en', 'fr')),
    sms_stopped   boolean NOT NULL DEFAULT false,
    created_at    timestamptz NOT NULL DEFAULT now()
);
