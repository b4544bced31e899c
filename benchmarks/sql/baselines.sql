-- name: make_baselines
-- A function that locks the rows of hot accounts, and tables for bare rows.
CREATE SCHEMA bench;
CREATE TABLE bench.account (id int PRIMARY KEY, path text NOT NULL UNIQUE, debits numeric NOT NULL DEFAULT 0,
                            credits numeric NOT NULL DEFAULT 0) WITH (fillfactor = 10);
CREATE SEQUENCE bench.number CACHE 32;
CREATE TABLE bench.transaction (LIKE ledger.transaction INCLUDING DEFAULTS, PRIMARY KEY (seq), UNIQUE (id), UNIQUE (key));
CREATE TABLE bench.posting (LIKE ledger.posting, PRIMARY KEY (seq, n));
CREATE TABLE bench.bare_transaction (LIKE ledger.transaction INCLUDING DEFAULTS, PRIMARY KEY (seq));
CREATE TABLE bench.bare_posting (LIKE ledger.posting, PRIMARY KEY (seq, n));

-- Rows first, locks last: the hot accounts are held for as short as can be.
CREATE FUNCTION bench.book(
    id uuid, key text, digest bytea, rule text, version smallint, occurred timestamptz, zone text, day date,
    reference uuid, note text, from_accounts int[], to_accounts int[], amounts bigint[]
) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    number bigint := nextval('bench.number');
BEGIN
    INSERT INTO bench.transaction (seq, id, recorded_at, occurred_at, business_date, version, rule, zone, key, digest,
                                   note, reference)
    VALUES (number, id, clock_timestamp(), occurred, day, version, rule, zone, key, digest, note, reference);
    INSERT INTO bench.posting (seq, n, debit, credit, amount)
    SELECT number, p.n, p.debit, p.credit, p.amount
    FROM unnest(to_accounts, from_accounts, amounts) WITH ORDINALITY AS p (debit, credit, amount, n);
    PERFORM FROM bench.account a WHERE a.id = ANY (to_accounts || from_accounts) ORDER BY a.id FOR UPDATE;
    UPDATE bench.account a SET debits = a.debits + s.debits, credits = a.credits + s.credits
    FROM (
        SELECT e.account, sum(e.debit) AS debits, sum(e.credit) AS credits
        FROM unnest(to_accounts, from_accounts, amounts) AS p (debit, credit, amount)
        CROSS JOIN LATERAL (VALUES (p.debit, p.amount, 0), (p.credit, 0, p.amount)) AS e (account, debit, credit)
        GROUP BY e.account
    ) s
    WHERE a.id = s.account;
    RETURN number;
END $$;

-- name: book_locking
SELECT bench.book($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)

-- name: insert_bare
WITH kept AS (
    INSERT INTO bench.bare_transaction (seq, id, recorded_at, occurred_at, business_date, version, rule, zone, key,
                                        digest, note, reference)
    SELECT * FROM unnest($1::bigint[], $2::uuid[], $3::timestamptz[], $4::timestamptz[], $5::date[], $6::smallint[],
                         $7::text[], $8::text[], $9::text[], $10::bytea[], $11::text[], $12::uuid[])
)
INSERT INTO bench.bare_posting (seq, n, debit, credit, amount)
SELECT * FROM unnest($13::bigint[], $14::smallint[], $15::int[], $16::int[], $17::bigint[])

-- name: last_bare_batch
SELECT COALESCE(max(seq) >> 16, 0) FROM bench.bare_transaction
