-- name: set_guard
-- Limits of an account from now on; it is opened if it was not. Submits in flight are waited for.
SELECT ledger.set_guard_v2($1, $2, $3, $4, $5, $6)

-- name: lift_guard
SELECT ledger.lift_guard_v1($1)

-- name: lock_guards
-- Until the transaction ends: who changes limits changes those that are read now.
SELECT pg_advisory_xact_lock(hashtext('ledger.guard'))

-- name: guards
-- All of them, or that of the account $1.
SELECT a.path, g.min_balance, g.max_balance, g.is_closed, COALESCE(g.set_by, '') AS set_by,
       COALESCE(g.reason, '') AS reason, g.set_at, ledger.balance_now(g.account) AS balance
FROM ledger.guard g JOIN ledger.account a ON a.id = g.account
WHERE $1::text IS NULL OR a.path = $1 ORDER BY a.path

-- name: is_account
SELECT EXISTS (SELECT FROM ledger.account WHERE path = $1)
