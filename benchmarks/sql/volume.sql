-- name: account_ids
SELECT path, id FROM ledger.account ORDER BY id

-- name: fill
-- $1 batches of $2 fees each on one day, $3 being its first moment; as submit would have left them, not sealed.
-- $4: body of a fee with places for id and time; $5, $6, $7: rule, version, zone; $8, $9, $10: debits, credits and
-- amounts of its postings; $11, $12, $13, $14: what a batch adds to which accounts.
WITH batch AS MATERIALIZED (
    SELECT nextval('ledger.batch_number') AS number, n FROM generate_series(0, $1::int - 1) AS n
), fee AS MATERIALIZED (
    SELECT b.number << 16 | f.n AS seq, uuidv7() AS id,
           $3::timestamptz + (b.n * $2::int + f.n) * interval '1 ms' AS occurred_at
    FROM batch b CROSS JOIN generate_series(1, $2::int) AS f (n)
), kept AS (
    INSERT INTO ledger.transaction (seq, id, recorded_at, occurred_at, business_date, version, rule, zone, key, digest,
                                    reference)
    SELECT seq, id, now(), occurred_at, (occurred_at AT TIME ZONE $7)::date, $6::smallint, $5, $7, 'fee:' || id,
           sha256(convert_to(format($4::text, id, to_char(occurred_at AT TIME ZONE 'UTC',
                                                          'YYYY-MM-DD"T"HH24:MI:SS.US"+00:00"')), 'UTF8')),
           id
    FROM fee
), posted AS (
    INSERT INTO ledger.posting (seq, n, debit, credit, amount)
    SELECT f.seq, p.n, p.debit, p.credit, p.amount
    FROM fee f CROSS JOIN unnest($8::int[], $9::int[], $10::bigint[]) WITH ORDINALITY AS p (debit, credit, amount, n)
)
INSERT INTO ledger.unsealed (batch, transactions, accounts, dates, debits, credits, postings)
SELECT number, $2, $11::int[], array_fill(($3 AT TIME ZONE $7)::date, ARRAY[cardinality($11::int[])]), $12::numeric[],
       $13::numeric[], $14::int[]
FROM batch

-- name: bytes
-- Every table of the ledger and every index of it, with its bytes; a table's own are those without indexes.
SELECT c.relname AS name, pg_total_relation_size(c.oid) - pg_indexes_size(c.oid) AS bytes
FROM pg_class c WHERE c.relnamespace = 'ledger'::regnamespace AND c.relkind = 'r'
UNION ALL
SELECT c.relname, pg_relation_size(c.oid)
FROM pg_class c WHERE c.relnamespace = 'ledger'::regnamespace AND c.relkind = 'i'
ORDER BY 2 DESC

-- name: oldest_unsealed_s
-- For how long the oldest transaction has waited for its seal.
SELECT COALESCE(extract(epoch FROM clock_timestamp() - t.recorded_at), 0)::float8
FROM ledger.transaction t
WHERE t.seq BETWEEN (SELECT min(batch) FROM ledger.unsealed) << 16
                AND (SELECT min(batch) FROM ledger.unsealed) << 16 | 65535
ORDER BY t.seq LIMIT 1
