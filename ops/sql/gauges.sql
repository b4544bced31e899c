-- name: unresolved_payments
-- Payments that have not ended, by wallet, and the age of the oldest.
SELECT wallet, count(*) AS payments,
       EXTRACT(epoch FROM now() - min(created_at))::float8 AS oldest_s
FROM payments.payment
WHERE state IN ('created', 'sent', 'pending', 'unknown', 'review')
GROUP BY wallet

-- name: pending_work
-- What is due, how late the oldest is, and what was given up.
SELECT count(*) FILTER (WHERE parked_at IS NULL AND due_at <= now()) AS due,
       COALESCE(EXTRACT(epoch FROM now() - min(due_at) FILTER (WHERE parked_at IS NULL)), 0)::float8 AS oldest_s,
       count(*) FILTER (WHERE parked_at IS NOT NULL) AS parked
FROM kernel.work

-- name: late_money
-- Money held in suspense for a decision.
SELECT currency, sum(amount)::float8 AS amount FROM payments.late_money WHERE state = 'open' GROUP BY currency

-- name: halted
-- Whether the books check (the sweeper makes it) has stopped new debits.
SELECT EXISTS (SELECT FROM payments.halt)

-- name: unsealed
-- How long the oldest booked transaction has been waiting for its seal.
SELECT COALESCE(EXTRACT(epoch FROM now() - min(t.recorded_at)), 0)::float8
FROM (SELECT batch FROM ledger.unsealed ORDER BY batch LIMIT 1) u
JOIN ledger.transaction t ON t.seq BETWEEN u.batch << 16 AND u.batch << 16 | 65535
