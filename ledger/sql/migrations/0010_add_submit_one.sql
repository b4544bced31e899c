-- Book one transaction the short way, if nothing about it is special: its accounts are there, of one currency and
-- without a guard, its day is open, and neither its key nor its id is taken. Tells when it was recorded; null:
-- nothing was written, and ledger.submit_v2 takes it and says what is the matter. A reversal does not come here.
--
-- Four statements and four arrays where submit_v2 has ten and eighteen, for a caller that comes alone.
-- Movement m is amounts[m] from paths[credits[m]] to paths[debits[m]].
CREATE FUNCTION ledger.submit_one_v1(
    id uuid, key text, digest bytea, occurred timestamptz, day date, reference uuid, note text, rule text,
    version smallint, zone text, paths text[], debits int[], credits int[], amounts bigint[]
) RETURNS timestamptz LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
    account_ids int[];
    number      bigint;         -- of the batch
    recorded    timestamptz;
BEGIN
    -- A closing waits for those who look at the lock date now, and is seen by those who come later: by the
    -- statement after this one.
    PERFORM pg_advisory_xact_lock_shared(hashtext('ledger.closing'));
    account_ids := (
        SELECT array_agg(a.id ORDER BY w.n)
        FROM unnest(paths) WITH ORDINALITY AS w (path, n)
        JOIN ledger.account a ON a.path = w.path
        WHERE a.currency = right(paths[1], 3) AND NOT EXISTS (SELECT FROM ledger.guard g WHERE g.account = a.id)
        HAVING count(*) = cardinality(paths)
           AND COALESCE(day > (SELECT c.until FROM ledger.standing_closing c ORDER BY c.number DESC LIMIT 1), true)
    );
    IF account_ids IS NULL THEN
        RETURN NULL;
    END IF;

    number := nextval('ledger.batch_number');
    recorded := clock_timestamp();
    -- A key in another session's open transaction is waited for.
    INSERT INTO ledger.transaction (seq, id, recorded_at, occurred_at, business_date, version, rule, zone, key, digest,
                                    note, reference)
    VALUES (number << 16 | 1, id, recorded, occurred, day, version, rule, zone, key, digest, note, reference)
    ON CONFLICT DO NOTHING;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    INSERT INTO ledger.posting (seq, n, debit, credit, amount)
    SELECT number << 16 | 1, m.n, account_ids[m.debit], account_ids[m.credit], m.amount
    FROM unnest(debits, credits, amounts) WITH ORDINALITY AS m (debit, credit, amount, n);
    INSERT INTO ledger.unsealed (batch, transactions, accounts, dates, debits, credits, postings)
    SELECT number, 1, array_agg(a.account), array_agg(day), array_agg(a.debits), array_agg(a.credits),
           array_agg(a.postings)
    FROM (
        SELECT s.account, sum(s.debits) AS debits, sum(s.credits) AS credits, count(*) AS postings
        FROM (
            SELECT account_ids[d.at] AS account, d.amount AS debits, 0 AS credits
            FROM unnest(debits, amounts) AS d (at, amount)
            UNION ALL SELECT account_ids[c.at], 0, c.amount FROM unnest(credits, amounts) AS c (at, amount)
        ) s
        GROUP BY s.account ORDER BY s.account
    ) a;
    RETURN recorded;
END $$;
