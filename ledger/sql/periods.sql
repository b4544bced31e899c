-- name: lock_closings
-- Until the transaction ends: waits for submits in flight, later ones wait for it.
SELECT pg_advisory_xact_lock(hashtext('ledger.closing'))

-- name: cannot_close
SELECT ledger.cannot_close($1, $2, $3)

-- name: close
SELECT outcome, number FROM ledger.close_v1($1, $2, $3, $4, $5, $6)

-- name: request_reopening
SELECT outcome, number FROM ledger.request_reopening_v1($1, $2, $3)

-- name: approve_reopening
SELECT outcome, number FROM ledger.approve_reopening_v1($1, $2, $3)

-- name: open_from
SELECT ledger.open_from()

-- name: closings
-- Newest first, with who asked for and who agreed to a reopening; $1: only this one; $2 of them behind $3.
SELECT c.*, q.requested_at, q.requested_by, q.reason, r.approved_at, r.approved_by
FROM ledger.closing c
LEFT JOIN ledger.reopening r ON r.closing = c.number
LEFT JOIN ledger.reopening_request q ON q.number = r.request
WHERE $1::int IS NULL OR c.number = $1
ORDER BY c.number DESC LIMIT $2 OFFSET $3

-- name: first_day
-- The first business date with an entry.
SELECT least((SELECT min(business_date) FROM ledger.balance),
             (SELECT min(day) FROM ledger.unsealed u, unnest(u.dates) AS day))

-- name: pending_reopenings
-- Requests about the closing that holds the lock date, which nobody agreed to yet.
SELECT q.number, q.closing, q.requested_at, q.requested_by, q.reason FROM ledger.reopening_request q
WHERE q.closing = (SELECT max(number) FROM ledger.standing_closing) ORDER BY q.number

-- name: balances
SELECT ledger.balances_v1($1)

-- name: unsealed_until
-- Committed, but without a position yet, and about a day that shall be closed.
SELECT COALESCE(sum(transactions), 0) AS count, (
    SELECT min(day) FROM ledger.unsealed u, unnest(u.dates) AS day) AS since
FROM ledger.unsealed WHERE $1::date >= ANY (dates)

-- name: currencies_out_of_balance
SELECT a.currency FROM (
    SELECT account, debits - credits AS signed FROM ledger.total
    UNION ALL SELECT account, debits - credits FROM ledger.unsealed_delta
) s
JOIN ledger.account a ON a.id = s.account
GROUP BY a.currency HAVING sum(s.signed) <> 0 ORDER BY a.currency

-- name: suspense_on
-- Suspense accounts that are not zero at the end of a day, and how old what is left is: money leaves
-- in the order in which it came, so it is what came in last.
WITH day AS (
    SELECT account, business_date, debits, credits FROM ledger.balance WHERE business_date <= $1
    UNION ALL
    SELECT account, business_date, debits, credits FROM ledger.unsealed_delta WHERE business_date <= $1
), kept AS (
    SELECT a.id, a.path, sum(d.debits - d.credits) AS balance
    FROM ledger.account a JOIN day d ON d.account = a.id
    WHERE a.path LIKE '%:Suspense:%'
    GROUP BY a.id HAVING sum(d.debits - d.credits) <> 0
), came AS (
    SELECT k.id, d.business_date, sum(sum(CASE WHEN k.balance > 0 THEN d.debits ELSE d.credits END))
               OVER (PARTITION BY k.id ORDER BY d.business_date DESC) AS up_to_here
    FROM kept k JOIN day d ON d.account = k.id
    GROUP BY k.id, d.business_date
)
SELECT k.path, k.balance,
       (SELECT max(c.business_date) FROM came c WHERE c.id = k.id AND c.up_to_here >= abs(k.balance)) AS since
FROM kept k ORDER BY k.path

-- name: results_until
-- Balances of income and expenses at the end of a day.
SELECT a.path, sum(d.debits - d.credits) AS balance
FROM ledger.account a
JOIN (
    SELECT account, debits, credits FROM ledger.balance WHERE business_date <= $1
    UNION ALL
    SELECT account, debits, credits FROM ledger.unsealed_delta WHERE business_date <= $1
) d ON d.account = a.id
WHERE a.kind IN ('Income', 'Expenses')
GROUP BY a.path HAVING sum(d.debits - d.credits) <> 0

-- name: cut
-- What went through every account behind position $1, up to and with $2.
SELECT a.path, sum(s.debits) AS debits, sum(s.credits) AS credits
FROM (
    SELECT account, debits, credits FROM ledger.sums_at($2)
    UNION ALL
    SELECT account, -debits, -credits FROM ledger.sums_at($1)
) s
JOIN ledger.account a ON a.id = s.account
WHERE starts_with(a.path, $3)
GROUP BY a.path HAVING sum(s.debits) <> 0 OR sum(s.credits) <> 0
