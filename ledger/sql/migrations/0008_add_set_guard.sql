-- Limits of an account from now on; it is opened if it was not. A submit in flight is waited for.
CREATE FUNCTION ledger.set_guard_v1(account_path text, minimum numeric, maximum numeric, closed boolean)
RETURNS void LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    WITH opened AS (
        INSERT INTO ledger.account (path) VALUES (account_path) ON CONFLICT DO NOTHING RETURNING id
    ), one AS (
        SELECT o.id FROM opened o UNION ALL SELECT a.id FROM ledger.account a WHERE a.path = account_path
    )
    INSERT INTO ledger.guard (account, min_balance, max_balance, is_closed)
    SELECT one.id, minimum, maximum, closed FROM one
    ON CONFLICT (account) DO UPDATE SET min_balance = minimum, max_balance = maximum, is_closed = closed
$$;
