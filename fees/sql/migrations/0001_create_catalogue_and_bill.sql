CREATE SCHEMA fees;

-- Codes are also components of ledger accounts, hence their alphabet.
CREATE TABLE fees.agency (
    code        text PRIMARY KEY CHECK (code ~ '^[A-Z][A-Z0-9-]{1,23}$'),
    country     text NOT NULL CHECK (country ~ '^[A-Z]{2}$'),
    number      int NOT NULL CHECK (number BETWEEN 1 AND 99),
    names       jsonb NOT NULL,
    short_names jsonb NOT NULL,
    zone        text NOT NULL,
    currency    text NOT NULL,
    UNIQUE (country, number)
);

CREATE TABLE fees.service (
    agency      text NOT NULL REFERENCES fees.agency,
    code        text NOT NULL CHECK (code ~ '^[A-Z][A-Z0-9-]{1,23}$'),
    number      int NOT NULL CHECK (number BETWEEN 1 AND 99),
    names       jsonb NOT NULL,
    short_names jsonb NOT NULL,
    currency    text NOT NULL,
    category    text NOT NULL,
    asks        text NOT NULL CHECK (asks IN ('nothing', 'quantity', 'amount', 'band')),
    bands       jsonb NOT NULL DEFAULT '[]',       -- [{code, names, short_names}] in the order of the menu
    PRIMARY KEY (agency, code),
    UNIQUE (agency, number)
);

-- Amounts are minor units of the service's currency. The newest row that has begun is in force.
CREATE TABLE fees.tariff (
    agency            text NOT NULL,
    service           text NOT NULL,
    effective_from    date NOT NULL,
    amount_minor      bigint CHECK (amount_minor > 0),      -- fixed, or of one unit
    band_minor        jsonb NOT NULL DEFAULT '{}',          -- of each band
    minimum_minor     bigint CHECK (minimum_minor > 0),     -- of a stated amount
    maximum_minor     bigint CHECK (maximum_minor >= minimum_minor),
    max_quantity      int NOT NULL CHECK (max_quantity BETWEEN 1 AND 1000),
    stamp_minor       bigint NOT NULL CHECK (stamp_minor >= 0),
    service_fee_minor bigint NOT NULL CHECK (service_fee_minor >= 0),
    fee_borne_by      text NOT NULL CHECK (fee_borne_by IN ('citizen', 'agency')),
    late_day_minor    bigint NOT NULL CHECK (late_day_minor >= 0),
    late_cap_minor    bigint NOT NULL CHECK (late_cap_minor >= late_day_minor),
    due_days          int NOT NULL CHECK (due_days BETWEEN 0 AND 3650),
    expire_days       int CHECK (expire_days BETWEEN 0 AND 3650),
    PRIMARY KEY (agency, service, effective_from),
    FOREIGN KEY (agency, service) REFERENCES fees.service
);

CREATE VIEW fees.offer AS
SELECT a.code AS agency, a.country, a.number AS agency_number, a.names AS agency_names,
       a.short_names AS agency_short_names, a.zone, a.currency AS agency_currency,
       s.code AS service, s.number AS service_number, s.names AS service_names,
       s.short_names AS service_short_names, s.currency AS service_currency, s.category, s.asks, s.bands
FROM fees.agency a JOIN fees.service s ON s.agency = a.code;

-- A bill keeps its own terms, so that a later tariff cannot change what a citizen was told.
CREATE TABLE fees.bill (
    control_number    text PRIMARY KEY
        CHECK (control_number ~ '^[1-9][0-9]{11}$' AND control_number::bigint % 97 = 1),
    agency            text NOT NULL,
    service           text NOT NULL,
    band              text,
    quantity          int NOT NULL CHECK (quantity > 0),
    currency          text NOT NULL,
    principal_minor   bigint NOT NULL CHECK (principal_minor > 0),
    stamp_minor       bigint NOT NULL CHECK (stamp_minor >= 0),
    service_fee_minor bigint NOT NULL CHECK (service_fee_minor >= 0),
    agency_fee_minor  bigint NOT NULL CHECK (agency_fee_minor BETWEEN 0 AND principal_minor),
    late_day_minor    bigint NOT NULL CHECK (late_day_minor >= 0),
    late_cap_minor    bigint NOT NULL CHECK (late_cap_minor >= late_day_minor),
    issued_at         timestamptz NOT NULL,
    due_on            date NOT NULL,
    expires_at        timestamptz,
    payer             bytea CHECK (octet_length(payer) = 16),
    reference         text CHECK (length(reference) BETWEEN 1 AND 64),
    fingerprint       bytea NOT NULL,                       -- of the request: a repeat must ask the same
    state             text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'paid', 'cancelled')),
    paid_at           timestamptz,
    paid_by           uuid UNIQUE,                          -- one payment pays one bill
    cancelled_at      timestamptz,
    cancelled_because text,
    UNIQUE (agency, reference),
    FOREIGN KEY (agency, service) REFERENCES fees.service,
    CHECK ((state = 'paid') = (paid_by IS NOT NULL) AND (state = 'paid') = (paid_at IS NOT NULL)),
    CHECK ((state = 'cancelled') = (cancelled_at IS NOT NULL))
);
CREATE INDEX bill_payer ON fees.bill (payer, issued_at DESC) WHERE payer IS NOT NULL;

CREATE FUNCTION fees.bill_moves_forward() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    ends CONSTANT text[] := ARRAY['state', 'paid_at', 'paid_by', 'cancelled_at', 'cancelled_because'];
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'bill % is kept for ever', OLD.control_number;
    ELSIF OLD.state <> 'open' THEN
        RAISE EXCEPTION 'bill % is % and stays so', OLD.control_number, OLD.state;
    ELSIF to_jsonb(NEW) - ends IS DISTINCT FROM to_jsonb(OLD) - ends THEN
        RAISE EXCEPTION 'the terms of bill % are fixed', OLD.control_number;
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER bill_moves_forward BEFORE UPDATE OR DELETE ON fees.bill
    FOR EACH ROW EXECUTE FUNCTION fees.bill_moves_forward();

-- A file of bills that was imported, and what became of each of its lines.
CREATE TABLE fees.bill_file (
    sha256      bytea PRIMARY KEY CHECK (octet_length(sha256) = 32),
    name        text NOT NULL,
    imported_at timestamptz NOT NULL,
    outcome     jsonb NOT NULL                              -- {issued: [...], rejected: [...]}
);

-- A catalogue that was loaded: once is enough.
CREATE TABLE fees.catalogue_load (
    name      text PRIMARY KEY,
    loaded_at timestamptz NOT NULL
);
