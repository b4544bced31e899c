CREATE SCHEMA sms;

-- How far each state is along the way; a message never goes back to a lower rank.
CREATE TABLE sms.rank (
    state text PRIMARY KEY,
    rank  int NOT NULL
);
INSERT INTO sms.rank (state, rank) VALUES
    ('queued', 0), ('sending', 1), ('sent', 2), ('failed', 3), ('undelivered', 3), ('delivered', 4);

CREATE FUNCTION sms.rank_of(text) RETURNS int LANGUAGE sql STABLE
RETURN (SELECT rank FROM sms.rank WHERE state = $1);

-- What people wrote to us, as it came in: sealed, because a carrier writes the sender's number in it.
CREATE TABLE sms.inbound (
    id          uuid PRIMARY KEY,
    channel     text NOT NULL,
    reference   text NOT NULL,                       -- the carrier's name for it; the same on a repeat
    sender      bytea REFERENCES kernel.subscriber,  -- null: not a subscriber's number
    sealed      bytea NOT NULL,                      -- the raw body (AES-256-GCM, bound to the id)
    received_at timestamptz NOT NULL,
    command     text,                                -- what we understood, once answered
    answered_at timestamptz,
    UNIQUE (channel, reference)
);
CREATE INDEX inbound_sender ON sms.inbound (sender, received_at DESC);

CREATE TABLE sms.message (
    id                uuid PRIMARY KEY,
    purpose           text NOT NULL,
    payment_id        uuid,
    inbound_id        uuid UNIQUE REFERENCES sms.inbound,
    recipient         bytea NOT NULL REFERENCES kernel.subscriber,
    language          text NOT NULL,
    template          text NOT NULL,
    "values"          jsonb NOT NULL,
    body              text NOT NULL,
    alphabet          text NOT NULL,
    segments          int NOT NULL CHECK (segments > 0),
    state             text NOT NULL DEFAULT 'queued' REFERENCES sms.rank,
    failure           text,
    failure_code      text,                          -- the carrier's own
    carrier           text NOT NULL,                 -- the channel it goes out on
    carrier_reference text,
    attempts          int NOT NULL DEFAULT 0,
    created_at        timestamptz NOT NULL,
    sent_at           timestamptz,
    state_at          timestamptz NOT NULL,
    UNIQUE (payment_id, purpose)
);
CREATE INDEX message_recipient ON sms.message (recipient, created_at DESC);
CREATE INDEX message_state ON sms.message (state, created_at DESC);

CREATE FUNCTION sms.check_message_update() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF sms.rank_of(NEW.state) < sms.rank_of(OLD.state) THEN
        RAISE EXCEPTION 'message % cannot go back from % to %', OLD.id, OLD.state, NEW.state
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER message_update BEFORE UPDATE ON sms.message
    FOR EACH ROW EXECUTE FUNCTION sms.check_message_update();
