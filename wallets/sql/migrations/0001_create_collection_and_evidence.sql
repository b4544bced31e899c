CREATE SCHEMA IF NOT EXISTS wallets;

-- One request to a wallet for money: what we asked, and how the operator names it.
CREATE TABLE wallets.collection (
    id              uuid PRIMARY KEY,
    wallet          text NOT NULL,
    payer           bytea NOT NULL CHECK (octet_length(payer) = 16),
    currency        text NOT NULL,
    amount          bigint NOT NULL CHECK (amount > 0),            -- minor units
    callback_digest bytea NOT NULL UNIQUE CHECK (octet_length(callback_digest) = 32),
    correlation     text,                                          -- the operator's name of the request
    reference       text,                                          -- the operator's name of the transaction
    queried_at      timestamptz[] NOT NULL DEFAULT '{}',           -- status queries within the budget's window
    told_at         timestamptz,                                   -- when the operator was last heard of
    created_at      timestamptz NOT NULL
);

-- What the operator said, byte for byte, in answers and in callbacks.
CREATE TABLE wallets.evidence (
    id          uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    position    bigint GENERATED ALWAYS AS IDENTITY,               -- order of arrival
    collection  uuid NOT NULL REFERENCES wallets.collection,
    kind        text NOT NULL CHECK (kind IN ('collect', 'query', 'reverse', 'callback')),
    at          timestamptz NOT NULL,
    method      text NOT NULL,
    url_path    text NOT NULL,
    status      int,                                               -- null: no answer came, or a callback
    headers     jsonb NOT NULL,
    body        bytea NOT NULL,                                    -- its start, if it was long
    size        bigint NOT NULL,                                   -- of the whole body, in bytes
    note        text NOT NULL DEFAULT '',
    fingerprint bytea,                                             -- callbacks: identical ones share a row
    repeats     int NOT NULL DEFAULT 0,
    CHECK ((kind = 'callback') = (fingerprint IS NOT NULL)),
    UNIQUE (collection, fingerprint)
);
CREATE INDEX evidence_collection ON wallets.evidence (collection, position);

CREATE FUNCTION wallets.keep_evidence() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        IF NEW.repeats = OLD.repeats + 1 THEN
            OLD.repeats := NEW.repeats;
            IF NEW IS NOT DISTINCT FROM OLD THEN
                RETURN NEW;
            END IF;
        END IF;
    END IF;
    RAISE EXCEPTION 'evidence is append-only' USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER keep_evidence BEFORE UPDATE OR DELETE ON wallets.evidence
    FOR EACH ROW EXECUTE FUNCTION wallets.keep_evidence();
CREATE TRIGGER keep_all_evidence BEFORE TRUNCATE ON wallets.evidence
    FOR EACH STATEMENT EXECUTE FUNCTION wallets.keep_evidence();

-- What was asked never changes; only what the operator told us about it is filled in.
CREATE FUNCTION wallets.keep_collection() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (NEW.id, NEW.wallet, NEW.payer, NEW.currency, NEW.amount, NEW.callback_digest, NEW.created_at)
       IS DISTINCT FROM
       (OLD.id, OLD.wallet, OLD.payer, OLD.currency, OLD.amount, OLD.callback_digest, OLD.created_at)
    THEN
        RAISE EXCEPTION 'a collection never changes what it asked for' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER keep_collection BEFORE UPDATE ON wallets.collection
    FOR EACH ROW EXECUTE FUNCTION wallets.keep_collection();
