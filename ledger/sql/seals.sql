-- name: is_any_unsealed
SELECT EXISTS (SELECT FROM ledger.unsealed) OR EXISTS (SELECT FROM ledger.unsealed_decision)

-- name: become_sealer
-- Until the transaction ends, instead of the application; it fails for whoever may not be the sealer.
SELECT set_config('role', 'mizan_sealer', true) WHERE current_user = 'mizan_app'

-- name: try_sealer_lock
-- One sealer at a time, until the transaction ends; false: another one is at work.
SELECT pg_try_advisory_xact_lock(hashtext('ledger.sealer'))

-- name: last_seal
SELECT number, first_position + transactions AS next_position, hash, sealed_at
FROM ledger.seal ORDER BY number DESC LIMIT 1

-- name: fold_unsealed
-- Moves the oldest unsealed batches on, $1 transactions at most (but one batch in any case): into seal $2,
-- from position $3. Gives their numbers, how many transactions they have, whether more may wait, and the
-- accounts that were never touched before. One statement: killed anywhere, it has not happened.
WITH summed AS (
    SELECT batch, transactions, sum(transactions) OVER (ORDER BY batch) AS up_to
    FROM (SELECT batch, transactions FROM ledger.unsealed ORDER BY batch LIMIT $1) oldest
), picked AS (
    SELECT batch FROM summed WHERE up_to <= $1 OR up_to = transactions
), taken AS (
    DELETE FROM ledger.unsealed WHERE batch <= (SELECT max(batch) FROM picked) RETURNING *
), placed AS (
    SELECT t.*, $3::bigint + sum(transactions) OVER (ORDER BY batch) - transactions AS position FROM taken t
), delta AS (
    SELECT d.account, d.business_date, p.position, p.batch, d.debits, d.credits, d.postings
    FROM placed p
    CROSS JOIN LATERAL unnest(p.accounts, p.dates, p.debits, p.credits, p.postings)
        AS d (account, business_date, debits, credits, postings)
), day AS (
    SELECT account, business_date, sum(debits) AS debits, sum(credits) AS credits, sum(postings) AS postings
    FROM delta GROUP BY account, business_date
), account AS (
    SELECT account, sum(debits) AS debits, sum(credits) AS credits, sum(postings) AS postings
    FROM day GROUP BY account
), kept_batch AS (
    INSERT INTO ledger.batch (number, position, transactions, seal)
    SELECT batch, position, transactions, $2 FROM placed
), kept_delta AS (
    INSERT INTO ledger.delta (account, business_date, position, batch, debits, credits, postings)
    SELECT account, business_date, position, batch, debits, credits, postings FROM delta
), folded_day AS (
    INSERT INTO ledger.balance AS b (account, business_date, debits, credits, postings) SELECT * FROM day
    ON CONFLICT (account, business_date) DO UPDATE SET
        debits = b.debits + excluded.debits, credits = b.credits + excluded.credits,
        postings = b.postings + excluded.postings
), folded AS (
    INSERT INTO ledger.total AS t (account, debits, credits, postings) SELECT * FROM account
    ON CONFLICT (account) DO UPDATE SET
        debits = t.debits + excluded.debits, credits = t.credits + excluded.credits,
        postings = t.postings + excluded.postings
)
SELECT array_agg(batch ORDER BY batch) AS batches, sum(transactions)::int AS transactions,
       (SELECT max(up_to) >= $1 FROM summed) AS is_full,
       ARRAY(SELECT account FROM account a
             WHERE NOT EXISTS (SELECT FROM ledger.total t WHERE t.account = a.account)
             ORDER BY account) AS accounts
FROM placed

-- name: insert_mark
INSERT INTO ledger.mark (position, account, debits, credits, postings)
SELECT $1, account, debits, credits, postings FROM ledger.total

-- name: leaves
-- What is hashed of the transactions of seal $1 (ledger/seal.py), one behind the other; their numbers are
-- from $2 to $3.
SELECT string_agg(
    t.digest || uuid_send(t.id) || int8send((extract(epoch FROM t.recorded_at) * 1000000)::bigint)
    || int4send(t.business_date - date '1970-01-01'), '' ORDER BY t.seq)
FROM ledger.transaction t JOIN ledger.batch b ON b.number = t.seq >> 16
WHERE b.seal = $1 AND t.seq BETWEEN $2 AND $3 AND b.number BETWEEN $2::bigint >> 16 AND $3::bigint >> 16

-- name: account_rows
SELECT id, path, opened_at FROM ledger.account WHERE id = ANY ($1::int[]) ORDER BY id

-- name: unsealed_decisions
SELECT * FROM ledger.unsealed_decision ORDER BY moment, turn, number

-- name: insert_seal
INSERT INTO ledger.seal (number, first_position, transactions, root, accounts, previous, sealed_at,
                         text, hash, signature, tags, decisions)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)

-- name: last_checkpoint
SELECT day, last_seal, hash FROM ledger.checkpoint ORDER BY day DESC LIMIT 1

-- name: sealed_at
SELECT sealed_at FROM ledger.seal WHERE number = $1

-- name: seals_before
-- The seals behind seal $1 that were made before a moment, by day.
SELECT (sealed_at AT TIME ZONE 'UTC')::date AS day, array_agg(hash ORDER BY number) AS hashes,
       min(number) AS first_seal, max(number) AS last_seal,
       max(first_position + transactions - 1) AS last_position
FROM ledger.seal WHERE number > $1 AND sealed_at < $2
GROUP BY 1 ORDER BY 1

-- name: insert_checkpoint
INSERT INTO ledger.checkpoint (day, first_seal, last_seal, last_position, root, previous, text, hash, signature)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)

-- name: checkpoint_of
-- The line of a day; the latest one if no day is given.
SELECT day, text, signature FROM ledger.checkpoint
WHERE $1::date IS NULL OR day = $1 ORDER BY day DESC LIMIT 1

-- name: seal_of_transaction
-- The seal of a transaction and its position; nothing if it is not sealed.
SELECT s.number, s.sealed_at, s.first_position AS first, s.text, s.signature,
       b.position + (SELECT count(*) FROM ledger.transaction o
                     WHERE o.seq >= b.number << 16 AND o.seq < t.seq) AS position
FROM ledger.transaction t
JOIN ledger.batch b ON b.number = t.seq >> 16
JOIN ledger.seal s ON s.number = b.seal
WHERE t.id = $1

-- name: batches_of_seal
SELECT b.number FROM ledger.seal s
JOIN ledger.batch b ON b.position BETWEEN s.first_position AND s.first_position + s.transactions - 1
WHERE s.number = $1 ORDER BY b.number

-- name: checkpoint_of_seal
SELECT first_seal, last_seal, text, signature FROM ledger.checkpoint WHERE $1 BETWEEN first_seal AND last_seal

-- name: seal_hashes
SELECT hash FROM ledger.seal WHERE number BETWEEN $1 AND $2 ORDER BY number

-- name: id_of_key
SELECT id FROM ledger.transaction WHERE key = $1
