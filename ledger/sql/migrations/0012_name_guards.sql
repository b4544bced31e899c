-- Who set the limits of an account as they are now, why and when; null: from before this was kept.
ALTER TABLE ledger.guard ADD COLUMN set_by text, ADD COLUMN reason text, ADD COLUMN set_at timestamptz;

DROP FUNCTION ledger.set_guard_v1(text, numeric, numeric, boolean);

-- Limits of an account from now on; it is opened if it was not. Submits in flight are waited for, later ones wait
-- and see it, as with a closing: an account without a guard is locked by none of them.
CREATE FUNCTION ledger.set_guard_v2(
    account_path text, minimum numeric, maximum numeric, closed boolean, who text, why text
) RETURNS void LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT pg_advisory_xact_lock(hashtext('ledger.closing'));
    WITH opened AS (
        INSERT INTO ledger.account (path) VALUES (account_path) ON CONFLICT DO NOTHING RETURNING id
    ), one AS (
        SELECT o.id FROM opened o UNION ALL SELECT a.id FROM ledger.account a WHERE a.path = account_path
    )
    INSERT INTO ledger.guard (account, min_balance, max_balance, is_closed, set_by, reason, set_at)
    SELECT one.id, minimum, maximum, closed, who, why, clock_timestamp() FROM one
    ON CONFLICT (account) DO UPDATE
    SET min_balance = minimum, max_balance = maximum, is_closed = closed, set_by = who, reason = why,
        set_at = excluded.set_at
$$;

-- No limits any more. A submit in flight that was judged by them is waited for.
CREATE FUNCTION ledger.lift_guard_v1(account_path text) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    DELETE FROM ledger.guard g USING ledger.account a WHERE a.id = g.account AND a.path = account_path
$$;
