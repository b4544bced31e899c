-- name: trial_balance
-- Turnovers of every account that was ever touched, up to and with a business date.
SELECT a.path, COALESCE(d.amount, 0) AS debits, COALESCE(c.amount, 0) AS credits
FROM ledger.account a
LEFT JOIN (
    SELECT debit AS id, sum(amount) AS amount FROM ledger.posting
    WHERE business_date <= COALESCE($1::date, 'infinity') GROUP BY debit
) d ON d.id = a.id
LEFT JOIN (
    SELECT credit AS id, sum(amount) AS amount FROM ledger.posting
    WHERE business_date <= COALESCE($1::date, 'infinity') GROUP BY credit
) c ON c.id = a.id
WHERE d.id IS NOT NULL OR c.id IS NOT NULL

-- name: statement
-- One account between two business dates: its sums on every row, with the first lines. One statement,
-- so that sums and lines are of one moment.
WITH sums AS (
    SELECT COALESCE(sum(signed) FILTER (WHERE business_date < $2), 0) AS opening,
           COALESCE(sum(amount) FILTER (WHERE business_date >= $2 AND side = 'debit'), 0) AS debits,
           COALESCE(sum(amount) FILTER (WHERE business_date >= $2 AND side = 'credit'), 0) AS credits
    FROM ledger.entry
    WHERE account = $1 AND business_date <= $3
)
SELECT sums.opening, sums.debits, sums.credits, line.*
FROM sums LEFT JOIN LATERAL (
    SELECT t.id AS transaction, t.business_date, t.occurred_at, t.recorded_at, t.rule, t.note, t.reference,
           a.path AS counterpart, e.signed, e.n
    FROM ledger.entry e
    JOIN ledger.transaction t ON t.id = e.transaction
    JOIN ledger.account a ON a.id = e.counterpart
    WHERE e.account = $1 AND e.business_date BETWEEN $2 AND $3
    ORDER BY e.business_date, t.recorded_at, t.id, e.n
    LIMIT $4
) line ON true
ORDER BY line.business_date, line.recorded_at, line.transaction, line.n

-- name: account_id
SELECT id FROM ledger.account WHERE path = $1

-- name: accounts
SELECT path FROM ledger.account ORDER BY path

-- name: transaction
SELECT * FROM ledger.booked WHERE id = $1

-- name: journal
-- A page of transactions, newest first, from one on; every filter may be null.
SELECT b.* FROM ledger.booked b
WHERE ($1::uuid IS NULL
       OR (b.recorded_at, b.id) < (SELECT t.recorded_at, t.id FROM ledger.transaction t WHERE t.id = $1))
  AND ($2::date IS NULL OR b.business_date >= $2)
  AND ($3::date IS NULL OR b.business_date <= $3)
  AND ($4::text IS NULL OR b.rule = $4)
  AND ($5::uuid IS NULL OR b.reference = $5)
  AND ($6::int IS NULL OR EXISTS (
      SELECT FROM ledger.posting p WHERE p.transaction = b.id AND $6 IN (p.debit, p.credit)))
ORDER BY b.recorded_at DESC, b.id DESC
LIMIT $7

-- name: journal_by_date
-- Everything, in the order that bookkeeping programs read.
SELECT * FROM ledger.booked ORDER BY business_date, recorded_at, id

-- name: journal_with_originals
-- Everything in the order of recording, beside each reversal the postings of what it reverses.
SELECT b.*, o.debits AS original_debits, o.credits AS original_credits, o.amounts AS original_amounts
FROM ledger.booked b
LEFT JOIN LATERAL (SELECT * FROM ledger.booked WHERE id = b.reverses OFFSET 0) o ON true  -- few have one
ORDER BY b.recorded_at, b.id

-- name: date_range
SELECT min(business_date) AS first, max(business_date) AS last FROM ledger.transaction

-- name: orphan_posting
-- A posting that belongs to no transaction; there must be none.
SELECT p.transaction, p.n FROM ledger.posting p
WHERE NOT EXISTS (SELECT FROM ledger.transaction t WHERE t.id = p.transaction)
ORDER BY p.transaction, p.n LIMIT 1

-- name: is_balanced
-- Debits equal credits in every currency, and every posting has its accounts.
SELECT NOT EXISTS (
    SELECT FROM (SELECT account, sum(signed) AS signed FROM ledger.entry GROUP BY account) e
    LEFT JOIN ledger.account a ON a.id = e.account
    GROUP BY a.currency
    HAVING sum(e.signed) <> 0 OR a.currency IS NULL
)
