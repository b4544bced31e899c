-- name: no_time_limits
-- A check may take long, and waits for the others that check in its snapshot.
SELECT set_config('statement_timeout', '0', true), set_config('idle_in_transaction_session_timeout', '0', true)

-- name: export_snapshot
SELECT pg_export_snapshot()

-- name: all_accounts
SELECT id, path, kind, currency, opened_at FROM ledger.account ORDER BY id

-- name: all_seals
-- Every seal, with the part of its tags that stands for accounts and decisions.
SELECT number, first_position, transactions, root, accounts, decisions, previous, sealed_at, text, hash, signature,
       octet_length(tags) AS tag_bytes, substr(tags, 4 * transactions + 1) AS other_tags
FROM ledger.seal ORDER BY number

-- name: all_checkpoints
SELECT * FROM ledger.checkpoint ORDER BY first_seal

-- name: is_account_used
SELECT EXISTS (SELECT FROM ledger.delta WHERE account = $1)

-- name: unsealed_account
-- An account that sealed batches touch and no seal says was opened, with the seal that should, or one that
-- a seal says and no batch touches.
SELECT t.account, (SELECT min(b.seal) FROM ledger.delta d JOIN ledger.batch b USING (position)
                   WHERE d.account = t.account) AS seal
FROM ledger.total t WHERE t.account NOT IN (SELECT unnest(accounts) FROM ledger.seal)
UNION ALL
SELECT s.account, s.number FROM (SELECT number, unnest(accounts) AS account FROM ledger.seal) s
WHERE NOT EXISTS (SELECT FROM ledger.total t WHERE t.account = s.account)
ORDER BY seal, account LIMIT 1

-- name: sealed_since
-- When the first seal behind seal $1 was made, and when the last of all.
SELECT (SELECT sealed_at FROM ledger.seal WHERE number = $1::bigint + 1) AS first,
       (SELECT sealed_at FROM ledger.seal ORDER BY number DESC LIMIT 1) AS last

-- name: next_position
-- Where the next seal starts; null: there is none yet.
SELECT first_position + transactions FROM ledger.seal ORDER BY number DESC LIMIT 1

-- name: position
SELECT position FROM ledger.batch WHERE number = $1

-- name: seals_of_checkpoint
SELECT number, hash, (sealed_at AT TIME ZONE 'UTC')::date AS day, first_position + transactions - 1 AS last_position
FROM ledger.seal WHERE number BETWEEN $1 AND $2 ORDER BY number

-- name: all_closings
SELECT number, kind, until, position, snapshot, hash, replaces FROM ledger.closing

-- name: all_decisions
-- Closings, requests and reopenings in the order in which they were written.
SELECT * FROM ledger.decision ORDER BY moment, turn, number

-- name: standing_snapshots
SELECT number, until, snapshot FROM ledger.standing_closing ORDER BY until, number

-- name: turnovers_by_day
SELECT a.path, d.business_date, sum(d.debits) AS debits, sum(d.credits) AS credits
FROM (
    SELECT account, business_date, debits, credits FROM ledger.balance
    UNION ALL
    SELECT account, business_date, debits, credits FROM ledger.unsealed_delta
) d
JOIN ledger.account a ON a.id = d.account
GROUP BY a.path, d.business_date ORDER BY d.business_date

-- name: misplaced_batch
-- The first batch that does not follow the one before, or stands outside its seal.
SELECT b.*, s.number IS NOT NULL AS is_sealed
FROM (
    SELECT number, position, transactions, seal, lag(number) OVER (ORDER BY position) AS before,
           lag(position + transactions, 1, 1::bigint) OVER (ORDER BY position) AS expected
    FROM ledger.batch
) b
LEFT JOIN ledger.seal s ON s.number = b.seal
WHERE b.position <> b.expected OR s.number IS NULL
   OR b.position < s.first_position OR b.position + b.transactions > s.first_position + s.transactions
ORDER BY b.position LIMIT 1

-- name: moved_batch
-- The batch that was folded at position $1 and stands at another one now.
SELECT b.number, b.position FROM ledger.batch b
WHERE b.number = (SELECT batch FROM ledger.delta WHERE position = $1 LIMIT 1) AND b.position <> $1

-- name: sealed_twice
-- A batch that waits for its seal and has one.
SELECT min(batch) FROM ledger.unsealed u JOIN ledger.batch b ON b.number = u.batch

-- name: last_batch
SELECT number, transactions, position + transactions AS next_position FROM ledger.batch ORDER BY position DESC LIMIT 1

-- name: count_of_batch
SELECT count(*) FROM ledger.transaction WHERE seq BETWEEN $1::bigint << 16 AND $1::bigint << 16 | 65535

-- name: batchless
-- The first transaction whose batch is neither sealed nor waiting for it.
SELECT t.seq >> 16 AS batch, t.id FROM ledger.transaction t
WHERE NOT EXISTS (SELECT FROM ledger.batch b WHERE b.number = t.seq >> 16)
  AND NOT EXISTS (SELECT FROM ledger.unsealed u WHERE u.batch = t.seq >> 16)
ORDER BY t.seq LIMIT 1

-- name: journal_counts
SELECT (SELECT count(*) FROM ledger.transaction) AS transactions, (SELECT count(*) FROM ledger.posting) AS postings,
       (SELECT count(*) FROM ledger.delta) AS deltas

-- name: orphan_posting
-- A posting that belongs to no transaction; there must be none.
SELECT p.seq, p.n FROM ledger.posting p
WHERE NOT EXISTS (SELECT FROM ledger.transaction t WHERE t.seq = p.seq)
ORDER BY p.seq, p.n LIMIT 1

-- name: orphan_delta
SELECT d.account, d.business_date, d.batch, d.position FROM ledger.delta d
WHERE NOT EXISTS (SELECT FROM ledger.batch b WHERE b.position = d.position)
ORDER BY d.position, d.account LIMIT 1

-- name: seal_sizes
SELECT number, transactions FROM ledger.seal ORDER BY number

-- name: seals_between
SELECT number, first_position, transactions, root, substr(tags, 1, 4 * transactions) AS tags
FROM ledger.seal WHERE number BETWEEN $1 AND $2 ORDER BY number

-- name: batches_between
SELECT number, position, transactions FROM ledger.batch WHERE position BETWEEN $1 AND $2 ORDER BY position

-- name: deltas_between
SELECT position, batch, account, business_date, debits, credits, postings
FROM ledger.delta WHERE position BETWEEN $1 AND $2

-- name: unsealed_between
SELECT batch AS number, transactions, accounts, dates, debits, credits, postings
FROM ledger.unsealed WHERE batch BETWEEN $1 AND $2 ORDER BY batch

-- name: unsealed_sizes
SELECT batch AS number, transactions FROM ledger.unsealed ORDER BY batch

-- name: transactions_between
SELECT seq, id, recorded_at, occurred_at, business_date, version, rule, zone, key, digest, note, reference, reverses
FROM ledger.transaction WHERE seq BETWEEN $1 AND $2 ORDER BY seq

-- name: postings_between
SELECT seq, n, debit, credit, amount FROM ledger.posting WHERE seq BETWEEN $1 AND $2 ORDER BY seq, n

-- name: postings_of_originals
SELECT t.id, p.debit, p.credit, p.amount
FROM ledger.transaction t JOIN ledger.posting p USING (seq)
WHERE t.id = ANY ($1::uuid[]) ORDER BY t.seq, p.n

-- name: wrong_balance
SELECT account, business_date
FROM (
    SELECT account, business_date, sum(debits) AS debits, sum(credits) AS credits, sum(postings) AS postings
    FROM ledger.delta GROUP BY account, business_date
) d
FULL JOIN ledger.balance b USING (account, business_date)
WHERE (d.debits, d.credits, d.postings) IS DISTINCT FROM (b.debits, b.credits, b.postings::numeric)
ORDER BY account, business_date LIMIT 1

-- name: wrong_total
SELECT account
FROM (
    SELECT account, sum(debits) AS debits, sum(credits) AS credits, sum(postings) AS postings
    FROM ledger.balance GROUP BY account
) b
FULL JOIN ledger.total t USING (account)
WHERE (b.debits, b.credits, b.postings) IS DISTINCT FROM (t.debits, t.credits, t.postings::numeric)
ORDER BY account LIMIT 1

-- name: mark_positions
-- Where totals must have been written down: ends of seals that pass a multiple of $1.
SELECT first_position + transactions - 1 FROM ledger.seal
WHERE (first_position + transactions - 1) / $1::bigint > (first_position - 1) / $1::bigint ORDER BY number

-- name: sums_between_marks
-- What was added to each account up to each of some positions, since the one before.
SELECT width_bucket(position, $1::bigint[]) AS at, account, sum(debits) AS debits, sum(credits) AS credits,
       sum(postings) AS postings
FROM ledger.delta WHERE position < ($1::bigint[])[cardinality($1)]
GROUP BY 1, 2 ORDER BY 1

-- name: all_marks
SELECT position, account, debits, credits, postings FROM ledger.mark ORDER BY position, account
