-- name: set_guard
-- Limits of an account from now on; it is opened if it was not. A submit in flight is waited for.
SELECT ledger.set_guard_v1($1, $2, $3, $4)

-- name: guards
SELECT a.path, g.min_balance, g.max_balance, g.is_closed, ledger.balance_now(g.account) AS balance
FROM ledger.guard g JOIN ledger.account a ON a.id = g.account ORDER BY a.path
