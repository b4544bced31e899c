-- name: trial_balance
-- Turnovers of every account that was ever touched, up to and with a business date (null: all): the folded
-- sums less the days after it, and what is not sealed yet.
SELECT a.path, sum(s.debits) AS debits, sum(s.credits) AS credits
FROM (
    SELECT account, debits, credits, postings FROM ledger.total
    UNION ALL
    SELECT account, -debits, -credits, -postings FROM ledger.balance WHERE business_date > $1::date
    UNION ALL
    SELECT account, debits, credits, postings FROM ledger.unsealed_delta
    WHERE business_date <= COALESCE($1::date, 'infinity')
) s
JOIN ledger.account a ON a.id = s.account
GROUP BY a.path
HAVING sum(s.postings) <> 0

-- name: trial_balance_at
SELECT a.path, s.debits, s.credits
FROM ledger.sums_at($1) s JOIN ledger.account a ON a.id = s.account

-- name: last_position
-- Where the sealed journal ends; 0 if nothing is sealed.
SELECT COALESCE((SELECT position + transactions - 1 FROM ledger.batch ORDER BY position DESC LIMIT 1), 0)

-- name: statement
-- One account between two business dates: its sums on every row, with the first lines, sealed ones in the
-- order of their positions. One statement, so that sums and lines are of one moment.
WITH day AS (
    SELECT business_date, debits, credits FROM ledger.balance WHERE account = $1 AND business_date <= $3
    UNION ALL
    SELECT business_date, debits, credits FROM ledger.unsealed_delta WHERE account = $1 AND business_date <= $3
), sums AS (
    SELECT COALESCE(sum(debits - credits) FILTER (WHERE business_date < $2), 0) AS opening,
           COALESCE(sum(debits) FILTER (WHERE business_date >= $2), 0) AS debits,
           COALESCE(sum(credits) FILTER (WHERE business_date >= $2), 0) AS credits
    FROM day
), touched AS (
    SELECT business_date, position, batch FROM ledger.delta
    WHERE account = $1 AND business_date BETWEEN $2 AND $3
    UNION ALL
    SELECT business_date, 9223372036854775807, batch FROM ledger.unsealed_delta
    WHERE account = $1 AND business_date BETWEEN $2 AND $3
)
SELECT sums.opening, sums.debits, sums.credits, line.*, a.path AS counterpart
FROM sums LEFT JOIN LATERAL (
    SELECT d.position, e.*
    FROM (SELECT * FROM touched ORDER BY business_date, position, batch) d
    CROSS JOIN LATERAL (
        SELECT t.seq, p.n, t.id AS transaction, t.business_date, t.occurred_at, t.recorded_at, t.rule, t.note,
               t.reference, CASE WHEN p.debit = $1 THEN p.credit ELSE p.debit END AS other,
               CASE WHEN p.debit = $1 THEN p.amount ELSE -p.amount END AS signed
        FROM ledger.posting p JOIN ledger.transaction t USING (seq)
        WHERE p.seq BETWEEN d.batch << 16 AND d.batch << 16 | 65535
          AND t.seq BETWEEN d.batch << 16 AND d.batch << 16 | 65535  -- or the days' index would be read
          AND $1 IN (p.debit, p.credit) AND t.business_date = d.business_date
        ORDER BY p.seq, p.n
    ) e
    LIMIT $4  -- of lines in order: nothing else may be joined before it
) line ON true
LEFT JOIN ledger.account a ON a.id = line.other
ORDER BY line.business_date, line.position, line.seq, line.n

-- name: statement_at
-- One account between two positions, both included: its sums on every row, with the first lines.
WITH sums AS (
    SELECT before.opening, upto.debits - before.debits AS debits, upto.credits - before.credits AS credits
    FROM (SELECT COALESCE(sum(debits - credits), 0) AS opening, COALESCE(sum(debits), 0) AS debits,
                 COALESCE(sum(credits), 0) AS credits FROM ledger.sums_at($2 - 1) WHERE account = $1) before,
         (SELECT COALESCE(sum(debits), 0) AS debits, COALESCE(sum(credits), 0) AS credits
          FROM ledger.sums_at($3) WHERE account = $1) upto
)
SELECT sums.opening, sums.debits, sums.credits, line.*, a.path AS counterpart
FROM sums LEFT JOIN LATERAL (
    SELECT e.*
    FROM (
        SELECT DISTINCT d.position AS first, d.batch  -- a batch may touch it on several days
        FROM ledger.delta d JOIN ledger.batch b ON b.position = d.position
        WHERE d.account = $1 AND d.position <= $3 AND d.position + b.transactions > $2
        ORDER BY d.position
    ) d
    CROSS JOIN LATERAL (
        SELECT d.first + t.place - 1 AS position, t.seq, p.n, t.id AS transaction, t.business_date, t.occurred_at,
               t.recorded_at, t.rule, t.note, t.reference,
               CASE WHEN p.debit = $1 THEN p.credit ELSE p.debit END AS other,
               CASE WHEN p.debit = $1 THEN p.amount ELSE -p.amount END AS signed
        FROM (
            SELECT t.*, row_number() OVER (ORDER BY t.seq) AS place FROM ledger.transaction t
            WHERE t.seq BETWEEN d.batch << 16 AND d.batch << 16 | 65535
        ) t
        JOIN ledger.posting p USING (seq)
        WHERE d.first + t.place - 1 BETWEEN $2 AND $3 AND $1 IN (p.debit, p.credit)
        ORDER BY t.seq, p.n
    ) e
    LIMIT $4  -- of lines in order: nothing else may be joined before it
) line ON true
LEFT JOIN ledger.account a ON a.id = line.other
ORDER BY line.position, line.n

-- name: account_id
SELECT id FROM ledger.account WHERE path = $1

-- name: accounts
SELECT path FROM ledger.account ORDER BY path

-- name: transaction
-- One transaction, with its position in the journal (null until it is sealed).
SELECT b.*, (
    SELECT s.position + (SELECT count(*) FROM ledger.transaction t
                         WHERE t.seq >= b.seq >> 16 << 16 AND t.seq < b.seq)
    FROM ledger.batch s WHERE s.number = b.seq >> 16
) AS position
FROM ledger.booked b WHERE b.id = $1

-- name: journal
-- A page of transactions, newest first, from one on; every filter may be null.
SELECT b.*, NULL::bigint AS position FROM ledger.booked b
WHERE ($1::uuid IS NULL OR b.seq < (SELECT t.seq FROM ledger.transaction t WHERE t.id = $1))
  AND ($2::date IS NULL OR b.business_date >= $2)
  AND ($3::date IS NULL OR b.business_date <= $3)
  AND ($4::text IS NULL OR b.rule = $4)
  AND ($5::uuid IS NULL OR b.reference = $5)
ORDER BY b.seq DESC
LIMIT $6

-- name: journal_of_account
-- The same for what touches one account, found by the batches that do.
SELECT b.*, NULL::bigint AS position
FROM (
    SELECT DISTINCT batch FROM (
        SELECT batch, business_date FROM ledger.delta WHERE account = $6
        UNION ALL SELECT batch, business_date FROM ledger.unsealed_delta WHERE account = $6
    ) d
    WHERE ($2::date IS NULL OR d.business_date >= $2) AND ($3::date IS NULL OR d.business_date <= $3)
      AND ($1::uuid IS NULL OR d.batch <= (SELECT t.seq >> 16 FROM ledger.transaction t WHERE t.id = $1))
    ORDER BY batch DESC
) d
CROSS JOIN LATERAL (
    SELECT * FROM ledger.booked b
    WHERE b.seq BETWEEN d.batch << 16 AND d.batch << 16 | 65535
      AND ($1::uuid IS NULL OR b.seq < (SELECT t.seq FROM ledger.transaction t WHERE t.id = $1))
      AND ($2::date IS NULL OR b.business_date >= $2)
      AND ($3::date IS NULL OR b.business_date <= $3)
      AND ($4::text IS NULL OR b.rule = $4)
      AND ($5::uuid IS NULL OR b.reference = $5)
      AND EXISTS (SELECT FROM ledger.posting p WHERE p.seq = b.seq AND $6 IN (p.debit, p.credit))
    ORDER BY b.seq DESC
) b
LIMIT $7

-- name: journal_by_date
-- Everything, in the order that bookkeeping programs read.
SELECT * FROM ledger.booked ORDER BY business_date, seq

-- name: date_range
SELECT min(business_date) AS first, max(business_date) AS last FROM ledger.transaction

-- name: count_of_transactions
SELECT count(*) FROM ledger.transaction

-- name: is_balanced
-- Debits equal credits in every currency, in the folded sums and what is not folded yet.
SELECT NOT EXISTS (
    SELECT FROM (
        SELECT account, debits - credits AS signed FROM ledger.total
        UNION ALL SELECT account, debits - credits FROM ledger.unsealed_delta
    ) s
    LEFT JOIN ledger.account a ON a.id = s.account
    GROUP BY a.currency
    HAVING sum(s.signed) <> 0 OR a.currency IS NULL
)
