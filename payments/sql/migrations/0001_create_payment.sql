CREATE SCHEMA payments;

-- Whether the books allow new debits; the books check writes it, start reads it.
CREATE TABLE payments.halt (
    reason    text PRIMARY KEY,
    halted_at timestamptz NOT NULL
);

-- Legal edges of the state machine, kept equal to payments/states.py by a test.
CREATE TABLE payments.edge (
    from_state text NOT NULL, event text NOT NULL, to_state text NOT NULL,
    PRIMARY KEY (from_state, event)
);
INSERT INTO payments.edge (from_state, event, to_state) VALUES
    ('created', 'sending', 'sent'), ('created', 'window_closed', 'expired'),
    ('sent', 'not_sent', 'created'), ('sent', 'accepted', 'pending'), ('sent', 'confirmed', 'collected'),
    ('sent', 'refused', 'refused'), ('sent', 'no_answer', 'unknown'),
    ('pending', 'confirmed', 'collected'), ('pending', 'refused', 'refused'),
    ('pending', 'no_answer', 'unknown'), ('pending', 'given_up', 'review'),
    ('unknown', 'accepted', 'pending'), ('unknown', 'confirmed', 'collected'),
    ('unknown', 'refused', 'refused'), ('unknown', 'not_sent', 'created'),
    ('unknown', 'given_up', 'review'),
    ('review', 'confirmed', 'collected'), ('review', 'refused', 'refused');

CREATE TABLE payments.payment (
    id             uuid PRIMARY KEY,
    control_number text NOT NULL,
    agency         text NOT NULL,
    service        text NOT NULL,
    zone           text NOT NULL,                    -- of the agency: whose day it is in the books
    currency       text NOT NULL,
    principal      bigint NOT NULL CHECK (principal >= 0),
    stamp          bigint NOT NULL CHECK (stamp >= 0),
    penalty        bigint NOT NULL CHECK (penalty >= 0),
    service_fee    bigint NOT NULL CHECK (service_fee >= 0),
    agency_fee     bigint NOT NULL CHECK (agency_fee >= 0),
    total          bigint NOT NULL CHECK (total > 0 AND total = principal + stamp + penalty + service_fee),
    payer          bytea NOT NULL REFERENCES kernel.subscriber,
    wallet         text NOT NULL,
    channel        text NOT NULL,
    language       text NOT NULL,
    state          text NOT NULL DEFAULT 'created',
    reason         text,
    created_at     timestamptz NOT NULL,
    state_at       timestamptz NOT NULL,
    collection_id  uuid NOT NULL UNIQUE REFERENCES wallets.collection
);
-- The bill lock: one open payment a bill, whoever asks and however often; and one that collected.
CREATE UNIQUE INDEX payment_open_bill ON payments.payment (control_number)
    WHERE state IN ('created', 'sent', 'pending', 'unknown', 'review');
CREATE UNIQUE INDEX payment_paid_bill ON payments.payment (control_number) WHERE state = 'collected';
CREATE INDEX payment_control_number ON payments.payment (control_number);
CREATE INDEX payment_payer ON payments.payment (payer, created_at DESC);
CREATE INDEX payment_created ON payments.payment (created_at DESC, id);
CREATE INDEX payment_state ON payments.payment (state, created_at DESC);
CREATE INDEX payment_agency ON payments.payment (agency, created_at DESC);

CREATE TABLE payments.transition (
    payment_id  uuid NOT NULL REFERENCES payments.payment,
    n           int NOT NULL,
    from_state  text,
    to_state    text NOT NULL,
    event       text NOT NULL,
    at          timestamptz NOT NULL,
    evidence_id uuid,
    detail      text NOT NULL DEFAULT '',
    PRIMARY KEY (payment_id, n)
);

CREATE TABLE payments.receipt (
    number     text PRIMARY KEY,
    code       text NOT NULL UNIQUE,
    payment_id uuid NOT NULL UNIQUE REFERENCES payments.payment,
    issued_at  timestamptz NOT NULL,
    amount     bigint NOT NULL CHECK (amount > 0),
    currency   text NOT NULL
);

-- Money that came after its payment had ended: held in suspense until finance decides.
CREATE TABLE payments.late_money (
    id                 uuid PRIMARY KEY,
    payment_id         uuid NOT NULL REFERENCES payments.payment,
    collection_id      uuid NOT NULL UNIQUE REFERENCES wallets.collection,
    kind               text NOT NULL CHECK (kind IN ('late', 'duplicate')),
    amount             bigint NOT NULL CHECK (amount > 0),
    currency           text NOT NULL,
    wallet             text NOT NULL,
    state              text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'accepted', 'refunding', 'refunded')),
    opened_at          timestamptz NOT NULL,
    ledger_transaction uuid NOT NULL,
    evidence_id        uuid
);
CREATE INDEX late_money_state ON payments.late_money (state, opened_at);

-- A state changes along an edge of the table or not at all; what was agreed never changes.
CREATE FUNCTION payments.check_payment_update() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.state <> OLD.state AND NOT EXISTS (
        SELECT FROM payments.edge WHERE from_state = OLD.state AND to_state = NEW.state
    ) THEN
        RAISE EXCEPTION 'payment % cannot go from % to %', OLD.id, OLD.state, NEW.state
            USING ERRCODE = 'check_violation';
    END IF;
    IF (NEW.id, NEW.control_number, NEW.agency, NEW.service, NEW.currency, NEW.principal, NEW.stamp, NEW.penalty,
        NEW.service_fee, NEW.agency_fee, NEW.total, NEW.payer, NEW.wallet, NEW.created_at, NEW.collection_id)
       IS DISTINCT FROM
       (OLD.id, OLD.control_number, OLD.agency, OLD.service, OLD.currency, OLD.principal, OLD.stamp, OLD.penalty,
        OLD.service_fee, OLD.agency_fee, OLD.total, OLD.payer, OLD.wallet, OLD.created_at, OLD.collection_id) THEN
        RAISE EXCEPTION 'payment %: what was agreed cannot be changed', OLD.id
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER payment_update BEFORE UPDATE ON payments.payment
    FOR EACH ROW EXECUTE FUNCTION payments.check_payment_update();

CREATE FUNCTION payments.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '%.% is append-only', TG_TABLE_SCHEMA, TG_TABLE_NAME USING ERRCODE = 'check_violation';
END $$;
CREATE TRIGGER transition_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON payments.transition
    FOR EACH STATEMENT EXECUTE FUNCTION payments.refuse_change();
CREATE TRIGGER receipt_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON payments.receipt
    FOR EACH STATEMENT EXECUTE FUNCTION payments.refuse_change();
CREATE TRIGGER payment_not_deleted BEFORE DELETE OR TRUNCATE ON payments.payment
    FOR EACH STATEMENT EXECUTE FUNCTION payments.refuse_change();
