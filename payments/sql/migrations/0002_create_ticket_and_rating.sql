-- What a citizen asks of an agency about a bill: a complaint, instalments, a correction.
CREATE TABLE payments.ticket (
    id             uuid PRIMARY KEY,
    number         text NOT NULL UNIQUE CHECK (number ~ '^[1-9][0-9]{8}$' AND number::bigint % 97 = 1),
    kind           text NOT NULL CHECK (kind IN ('complaint', 'instalments', 'correction')),
    reason         text NOT NULL,
    note           text NOT NULL DEFAULT '' CHECK (length(note) <= 160),
    control_number text NOT NULL REFERENCES fees.bill,
    agency         text NOT NULL,
    service        text NOT NULL,
    citizen        bytea NOT NULL REFERENCES kernel.subscriber,
    channel        text NOT NULL,
    language       text NOT NULL,
    state          text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'answered', 'closed')),
    opened_at      timestamptz NOT NULL,
    state_at       timestamptz NOT NULL,
    answer         text NOT NULL DEFAULT '' CHECK (length(answer) <= 120),
    answered_by    text,
    CHECK ((state = 'answered') <= (answer <> '')),
    CHECK ((state = 'open') = (answered_by IS NULL))
);
-- Asking the same about the same bill while it is open is the same ticket.
CREATE UNIQUE INDEX ticket_open ON payments.ticket (citizen, control_number, kind) WHERE state = 'open';
CREATE INDEX ticket_citizen ON payments.ticket (citizen, opened_at DESC);
CREATE INDEX ticket_state ON payments.ticket (state, opened_at DESC);
CREATE INDEX ticket_agency ON payments.ticket (agency, opened_at DESC);

CREATE FUNCTION payments.ticket_moves_forward() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    moves CONSTANT text[] := ARRAY['state', 'state_at', 'answer', 'answered_by'];
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'ticket % is kept', OLD.number USING ERRCODE = 'check_violation';
    ELSIF OLD.state <> 'open' OR NEW.state = 'open' THEN
        RAISE EXCEPTION 'ticket % is % and stays so', OLD.number, OLD.state USING ERRCODE = 'check_violation';
    ELSIF to_jsonb(NEW) - moves IS DISTINCT FROM to_jsonb(OLD) - moves THEN
        RAISE EXCEPTION 'what ticket % asks cannot be changed', OLD.number USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER ticket_moves_forward BEFORE UPDATE OR DELETE ON payments.ticket
    FOR EACH ROW EXECUTE FUNCTION payments.ticket_moves_forward();

-- How a citizen found a paid service: once a payment, 1 (bad) to 5 (excellent).
CREATE TABLE payments.rating (
    payment_id uuid PRIMARY KEY REFERENCES payments.payment,
    agency     text NOT NULL,
    service    text NOT NULL,
    score      int NOT NULL CHECK (score BETWEEN 1 AND 5),
    rated_at   timestamptz NOT NULL
);
CREATE INDEX rating_at ON payments.rating (rated_at);

-- For whom somebody paid, where that is another person: they get the receipt too.
CREATE TABLE payments.beneficiary (
    payment_id uuid PRIMARY KEY REFERENCES payments.payment,
    subscriber bytea NOT NULL REFERENCES kernel.subscriber
);

-- Receipts that were asked for again: three times a payment at most.
CREATE TABLE payments.receipt_copy (
    payment_id uuid NOT NULL REFERENCES payments.receipt (payment_id),
    n          int NOT NULL CHECK (n BETWEEN 1 AND 3),
    asked_at   timestamptz NOT NULL,
    PRIMARY KEY (payment_id, n)
);

CREATE TRIGGER rating_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON payments.rating
    FOR EACH STATEMENT EXECUTE FUNCTION payments.refuse_change();
CREATE TRIGGER beneficiary_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON payments.beneficiary
    FOR EACH STATEMENT EXECUTE FUNCTION payments.refuse_change();
CREATE TRIGGER receipt_copy_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON payments.receipt_copy
    FOR EACH STATEMENT EXECUTE FUNCTION payments.refuse_change();
