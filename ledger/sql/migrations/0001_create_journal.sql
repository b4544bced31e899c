CREATE SCHEMA ledger;

-- A path says its kind (first component) and its currency (last), so neither can disagree with it.
CREATE TABLE ledger.account (
    id        int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    path      text COLLATE "C" NOT NULL UNIQUE CHECK (
        length(path) <= 120
        AND path ~ '^(Assets|Liabilities|Equity|Income|Expenses)(:[A-Z0-9][A-Za-z0-9-]*)+:[A-Z]{3}$'),
    kind      text NOT NULL GENERATED ALWAYS AS (split_part(path, ':', 1)) STORED,
    currency  text NOT NULL GENERATED ALWAYS AS (right(path, 3)) STORED,
    opened_at timestamptz NOT NULL DEFAULT now()
);

-- An atomic group of movements with one idempotency key.
CREATE TABLE ledger.transaction (
    id            uuid PRIMARY KEY,                    -- version 7, made by the caller before the call
    key           text COLLATE "C" NOT NULL UNIQUE,    -- same key: the same transaction or a refusal
    digest        bytea NOT NULL CHECK (octet_length(digest) = 32),  -- SHA-256 of the body (journal.py)
    rule          text NOT NULL,
    version       smallint NOT NULL CHECK (version > 0),             -- of the rule
    occurred_at   timestamptz NOT NULL,                -- where the money moved
    zone          text NOT NULL,                       -- IANA name; with occurred_at it gives the day
    business_date date NOT NULL,
    recorded_at   timestamptz NOT NULL,                -- when we booked it, read while booking
    reference     uuid,                                -- the payment
    reverses      uuid UNIQUE REFERENCES ledger.transaction (id),    -- at most once
    note          text NOT NULL DEFAULT ''
);
CREATE INDEX transaction_recorded ON ledger.transaction (recorded_at, id);
CREATE INDEX transaction_reference ON ledger.transaction (reference) WHERE reference IS NOT NULL;

-- One row per movement: it cannot be unbalanced. business_date is the transaction's, repeated so that
-- a statement reads one index.
CREATE TABLE ledger.posting (
    transaction   uuid NOT NULL,
    amount        bigint NOT NULL CHECK (amount > 0),  -- minor units of the accounts' currency
    debit         int NOT NULL,
    credit        int NOT NULL CHECK (credit <> debit),
    business_date date NOT NULL,
    n             smallint NOT NULL CHECK (n > 0),
    PRIMARY KEY (transaction, n)
);
CREATE INDEX posting_debit ON ledger.posting (debit, business_date);
CREATE INDEX posting_credit ON ledger.posting (credit, business_date);

-- The two sides of every posting; ``signed`` is positive on the debit side.
CREATE VIEW ledger.entry AS
SELECT transaction, n, business_date, debit AS account, credit AS counterpart, 'debit' AS side,
       amount, amount AS signed
FROM ledger.posting
UNION ALL
SELECT transaction, n, business_date, credit, debit, 'credit', amount, -amount
FROM ledger.posting;

-- A transaction with its postings as arrays, in order; a null path is an account that does not exist.
CREATE VIEW ledger.booked AS
SELECT t.*, p.ns, p.debits, p.credits, p.amounts, p.dates
FROM ledger.transaction t
CROSS JOIN LATERAL (
    SELECT array_agg(p.n ORDER BY p.n) AS ns, array_agg(d.path ORDER BY p.n) AS debits,
           array_agg(c.path ORDER BY p.n) AS credits, array_agg(p.amount ORDER BY p.n) AS amounts,
           array_agg(p.business_date ORDER BY p.n) AS dates
    FROM ledger.posting p
    LEFT JOIN ledger.account d ON d.id = p.debit
    LEFT JOIN ledger.account c ON c.id = p.credit
    WHERE p.transaction = t.id
) p;

-- What foreign keys would check, in one pass per statement. A foreign key would lock the row of the
-- busiest account for every posting; accounts and transactions are never removed, so looking is enough.
CREATE FUNCTION ledger.check_postings() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    bad record;
BEGIN
    SELECT p.transaction, p.n INTO bad
    FROM added p
    LEFT JOIN ledger.account d ON d.id = p.debit
    LEFT JOIN ledger.account c ON c.id = p.credit
    LEFT JOIN ledger.transaction t ON t.id = p.transaction
    WHERE (d.currency = c.currency AND t.business_date = p.business_date) IS NOT TRUE
    LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'posting % of %: no transaction of its date, or not two accounts of one currency',
            bad.n, bad.transaction USING ERRCODE = 'foreign_key_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER posting_is_sound AFTER INSERT ON ledger.posting
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION ledger.check_postings();

-- The journal only grows; a mistake is reversed by a new transaction.
CREATE FUNCTION ledger.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '%.% only grows: % is refused', TG_TABLE_SCHEMA, TG_TABLE_NAME, TG_OP
        USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER account_only_grows BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger.account
    FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse_change();
CREATE TRIGGER transaction_only_grows BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger.transaction
    FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse_change();
CREATE TRIGGER posting_only_grows BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger.posting
    FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse_change();
