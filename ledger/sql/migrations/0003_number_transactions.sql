-- The journal is numbered, and what it adds up to is kept beside it (docs/architecture.md, ledger).
--
-- A transaction's number (seq) is batch << 16 | n: the call of submit that booked it, and its place in
-- that call. Numbers are causal: what was committed before another was submitted has the smaller one.
-- A batch commits with one row in ledger.unsealed that says what it adds to each account and day, so no
-- two writers ever touch the same row. The sealer moves these rows on, one batch after the other: it
-- gives the batch its position in the journal, folds its sums and seals it. Balances are folded sums
-- plus unsealed rows, exact in every snapshot.

CREATE TEMP TABLE old_transaction ON COMMIT DROP AS
SELECT t.*, ((number - 1) / 1000 + 1) << 16 | ((number - 1) % 1000 + 1) AS seq
FROM (SELECT *, row_number() OVER (ORDER BY recorded_at, id) AS number FROM ledger.transaction) t;
CREATE TEMP TABLE old_posting ON COMMIT DROP AS SELECT * FROM ledger.posting;
DROP VIEW ledger.booked, ledger.entry;
DROP TABLE ledger.posting, ledger.transaction;
DROP FUNCTION ledger.check_postings();
DROP FUNCTION ledger.submit_v1(
    uuid[], text[], bytea[], text[], smallint[], timestamptz[], text[], date[], uuid[], uuid[], text[],
    text[], int[], smallint[], int[], int[], bigint[]
);

CREATE SEQUENCE ledger.batch_number;

-- An atomic group of movements with one idempotency key.
CREATE TABLE ledger.transaction (
    seq           bigint PRIMARY KEY,                  -- batch << 16 | n
    id            uuid NOT NULL UNIQUE,                -- version 7, made by the caller before the call
    recorded_at   timestamptz NOT NULL,                -- when we booked it
    occurred_at   timestamptz NOT NULL,                -- when the money moved
    business_date date NOT NULL,                       -- the day it stands on (see zone)
    version       smallint NOT NULL CHECK (version > 0),             -- of the rule
    rule          text NOT NULL,
    zone          text NOT NULL,                       -- IANA name; with occurred_at it gives the day
    key           text COLLATE "C" NOT NULL UNIQUE,    -- same key: the same transaction or a refusal
    digest        bytea NOT NULL CHECK (octet_length(digest) = 32),  -- SHA-256 of the body (journal.py)
    note          text NOT NULL DEFAULT '',
    reference     uuid,                                -- the payment
    reverses      uuid                                 -- the transaction that this one undoes
);
CREATE INDEX transaction_reference ON ledger.transaction (reference) WHERE reference IS NOT NULL;
CREATE UNIQUE INDEX transaction_reverses ON ledger.transaction (reverses) WHERE reverses IS NOT NULL;
CREATE INDEX transaction_business_date ON ledger.transaction USING brin (business_date);

-- One row per movement: it cannot be unbalanced. Found by its number only: ledger.delta says which
-- batches touch an account, so that a posting costs one index entry and not three.
CREATE TABLE ledger.posting (
    seq    bigint NOT NULL,
    amount bigint NOT NULL CHECK (amount > 0),         -- minor units of the accounts' currency
    debit  int NOT NULL,
    credit int NOT NULL CHECK (credit <> debit),
    n      smallint NOT NULL CHECK (n > 0),
    PRIMARY KEY (seq, n)
);

-- What each batch added to each account and business date, until it is sealed: one row per commit.
CREATE TABLE ledger.unsealed (
    batch        bigint PRIMARY KEY,
    transactions int NOT NULL CHECK (transactions > 0),
    accounts     int[] NOT NULL,                       -- these five run in parallel
    dates        date[] NOT NULL,
    debits       numeric[] NOT NULL,
    credits      numeric[] NOT NULL,
    postings     int[] NOT NULL
);
CREATE VIEW ledger.unsealed_delta AS
SELECT u.batch, d.account, d.business_date, d.debits, d.credits, d.postings
FROM ledger.unsealed u
CROSS JOIN LATERAL unnest(u.accounts, u.dates, u.debits, u.credits, u.postings)
    AS d (account, business_date, debits, credits, postings);

-- A sealed batch and the position of its first transaction; positions count transactions from 1,
-- without a gap, in the order of commit.
CREATE TABLE ledger.batch (
    number       bigint PRIMARY KEY,
    position     bigint NOT NULL UNIQUE CHECK (position > 0),
    transactions int NOT NULL CHECK (transactions > 0),
    seal         bigint NOT NULL
);

-- What a sealed batch added to an account and day, and so where their postings are.
CREATE TABLE ledger.delta (
    account       int NOT NULL,
    business_date date NOT NULL,
    position      bigint NOT NULL,                     -- of the batch
    batch         bigint NOT NULL,
    debits        numeric NOT NULL,
    credits       numeric NOT NULL,
    postings      int NOT NULL,
    PRIMARY KEY (account, business_date, position)
);
CREATE INDEX delta_position ON ledger.delta (position);

-- The deltas of all sealed batches, summed by day and in all.
CREATE TABLE ledger.balance (
    account       int NOT NULL,
    business_date date NOT NULL,
    debits        numeric NOT NULL,
    credits       numeric NOT NULL,
    postings      bigint NOT NULL,
    PRIMARY KEY (account, business_date)
) WITH (fillfactor = 50);
CREATE TABLE ledger.total (
    account  int PRIMARY KEY,
    debits   numeric NOT NULL,
    credits  numeric NOT NULL,
    postings bigint NOT NULL
) WITH (fillfactor = 50);

-- The totals as they stood at a position: where a look back starts.
CREATE TABLE ledger.mark (
    position bigint NOT NULL,
    account  int NOT NULL,
    debits   numeric NOT NULL,
    credits  numeric NOT NULL,
    postings bigint NOT NULL,
    PRIMARY KEY (position, account)
);

-- Limits of an account's balance (debits less credits, minor units). Only these accounts are locked.
CREATE TABLE ledger.guard (
    account     int PRIMARY KEY,
    min_balance numeric,
    max_balance numeric,
    is_closed   boolean NOT NULL DEFAULT false,
    CHECK (min_balance <= max_balance)
);

-- The two sides of every posting; ``signed`` is positive on the debit side.
CREATE VIEW ledger.entry AS
SELECT seq, n, debit AS account, credit AS counterpart, 'debit' AS side, amount, amount AS signed
FROM ledger.posting
UNION ALL
SELECT seq, n, credit, debit, 'credit', amount, -amount
FROM ledger.posting;

-- A transaction with its postings as arrays, in order; a null path is an account that does not exist.
CREATE VIEW ledger.booked AS
SELECT t.*, p.ns, p.debits, p.credits, p.amounts
FROM ledger.transaction t
CROSS JOIN LATERAL (
    SELECT array_agg(p.n ORDER BY p.n) AS ns, array_agg(d.path ORDER BY p.n) AS debits,
           array_agg(c.path ORDER BY p.n) AS credits, array_agg(p.amount ORDER BY p.n) AS amounts
    FROM ledger.posting p
    LEFT JOIN ledger.account d ON d.id = p.debit
    LEFT JOIN ledger.account c ON c.id = p.credit
    WHERE p.seq = t.seq
) p;

-- The first business date that is open; null: all are.
CREATE FUNCTION ledger.open_from() RETURNS date LANGUAGE sql STABLE AS 'SELECT NULL::date';

-- What was booked before gets its numbers in the order of recording, a thousand to a batch.
INSERT INTO ledger.transaction (seq, id, recorded_at, occurred_at, business_date, version, rule, zone, key, digest,
                                note, reference, reverses)
SELECT seq, id, recorded_at, occurred_at, business_date, version, rule, zone, key, digest, note, reference, reverses
FROM old_transaction ORDER BY seq;
INSERT INTO ledger.posting (seq, n, debit, credit, amount)
SELECT t.seq, p.n, p.debit, p.credit, p.amount
FROM old_posting p JOIN old_transaction t ON t.id = p.transaction ORDER BY t.seq, p.n;
INSERT INTO ledger.unsealed (batch, transactions, accounts, dates, debits, credits, postings)
SELECT batch, (SELECT count(*) FROM old_transaction t WHERE t.seq >> 16 = batch),
       array_agg(account ORDER BY account, business_date), array_agg(business_date ORDER BY account, business_date),
       array_agg(debits ORDER BY account, business_date), array_agg(credits ORDER BY account, business_date),
       array_agg(postings ORDER BY account, business_date)
FROM (
    SELECT t.seq >> 16 AS batch, e.account, t.business_date, count(*) AS postings,
           COALESCE(sum(e.amount) FILTER (WHERE e.side = 'debit'), 0) AS debits,
           COALESCE(sum(e.amount) FILTER (WHERE e.side = 'credit'), 0) AS credits
    FROM ledger.entry e JOIN ledger.transaction t USING (seq)
    GROUP BY t.seq >> 16, e.account, t.business_date
) AS added
GROUP BY batch;
SELECT setval('ledger.batch_number', max(seq >> 16)) FROM old_transaction HAVING max(seq) IS NOT NULL;

-- What only grows: the journal and what is made of it for good.
DO $$
DECLARE name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['transaction', 'posting', 'batch', 'delta', 'mark'] LOOP
        EXECUTE format('CREATE TRIGGER %I BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger.%I
                        FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse_change()', name || '_only_grows', name);
    END LOOP;
END $$;
