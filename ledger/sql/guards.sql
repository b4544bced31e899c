-- name: set_guard
-- Limits of an account from now on; it is opened if it was not. A submit in flight is waited for.
WITH opened AS (
    INSERT INTO ledger.account (path) VALUES ($1) ON CONFLICT DO NOTHING RETURNING id
), one AS (
    SELECT id FROM opened UNION ALL SELECT id FROM ledger.account WHERE path = $1
)
INSERT INTO ledger.guard (account, min_balance, max_balance, is_closed) SELECT id, $2, $3, $4 FROM one
ON CONFLICT (account) DO UPDATE SET min_balance = $2, max_balance = $3, is_closed = $4

-- name: guards
SELECT a.path, g.min_balance, g.max_balance, g.is_closed, ledger.balance_now(g.account) AS balance
FROM ledger.guard g JOIN ledger.account a ON a.id = g.account ORDER BY a.path
