-- Book many transactions in one call: arrays in, one row per transaction out, in order.
--
-- Transaction i is ids[i], keys[i], …; posting j belongs to transaction posting_of[j] as its posting_n[j]-th
-- and moves amounts[j] from paths[credits[j]] to paths[debits[j]].
-- outcome: posted | replayed | key_reused | id_taken | original_unknown | already_reversed;
-- booked: the id the key stands for; detail: the field that differs, or the reversal there already is.
-- A refused transaction leaves nothing behind and its neighbours stand. A malformed one (checked by
-- journal.py before) breaks a constraint and fails the whole call.
--
-- Sessions cannot deadlock: each waits for originals and keys in one order, then for new accounts in one
-- order.
CREATE FUNCTION ledger.submit_v1(
    ids uuid[], keys text[], digests bytea[], rules text[], versions smallint[],
    occurred timestamptz[], zones text[], dates date[], refs uuid[], originals uuid[], notes text[],
    paths text[], posting_of int[], posting_n smallint[], debits int[], credits int[], amounts bigint[]
) RETURNS TABLE (outcome text, booked uuid, detail text) LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    recorded_from timestamptz := clock_timestamp();  -- a microsecond apart, so the journal keeps their order
    is_posted     boolean[] := array_fill(false, ARRAY[cardinality(ids)]);
    account_ids   int[];
    first         int;
BEGIN
    -- A key in another session's open transaction is waited for: it commits (replay) or rolls back (post).
    FOR first IN
        WITH given AS (
            SELECT * FROM unnest(ids, keys, digests, rules, versions, occurred, zones, dates, refs, originals, notes)
            WITH ORDINALITY AS given (id, key, digest, rule, version, occurred_at, zone, business_date, reference,
                                      reverses, note, n)
        ), added AS (
            INSERT INTO ledger.transaction AS t (id, key, digest, rule, version, occurred_at, zone, business_date,
                                                 recorded_at, reference, reverses, note)
            SELECT g.id, g.key, g.digest, g.rule, g.version, g.occurred_at, g.zone, g.business_date,
                   recorded_from + (g.n - 1) * interval '1 microsecond', g.reference, g.reverses, g.note
            FROM given g
            WHERE g.reverses IS NULL OR EXISTS (SELECT FROM ledger.transaction o WHERE o.id = g.reverses)
            ORDER BY COALESCE(g.reverses::text, g.key) COLLATE "C", g.n
            ON CONFLICT DO NOTHING
            RETURNING t.id, t.key
        )
        SELECT min(g.n) FROM given g JOIN added a ON a.id = g.id AND a.key = g.key GROUP BY a.id
    LOOP
        is_posted[first] := true;
    END LOOP;

    SELECT array_agg(a.id ORDER BY w.n) INTO account_ids
    FROM unnest(paths) WITH ORDINALITY AS w (path, n) LEFT JOIN ledger.account a ON a.path = w.path;
    IF array_position(account_ids, NULL) IS NOT NULL THEN
        INSERT INTO ledger.account (path)
        SELECT DISTINCT paths[side.at] COLLATE "C" AS path
        FROM unnest(posting_of, debits, credits) AS p (t, debit, credit)
        CROSS JOIN LATERAL (VALUES (p.debit), (p.credit)) AS side (at)
        WHERE is_posted[p.t] AND account_ids[side.at] IS NULL
        ORDER BY path
        ON CONFLICT DO NOTHING;
        SELECT array_agg(a.id ORDER BY w.n) INTO account_ids
        FROM unnest(paths) WITH ORDINALITY AS w (path, n) LEFT JOIN ledger.account a ON a.path = w.path;
    END IF;

    INSERT INTO ledger.posting (transaction, n, debit, credit, amount, business_date)
    SELECT ids[p.t], p.n, account_ids[p.debit], account_ids[p.credit], p.amount, dates[p.t]
    FROM unnest(posting_of, posting_n, debits, credits, amounts) AS p (t, n, debit, credit, amount)
    WHERE is_posted[p.t];

    RETURN QUERY
    SELECT CASE
               WHEN is_posted[g.n] THEN 'posted'
               WHEN s.digest = g.digest THEN 'replayed'
               WHEN s.id IS NOT NULL THEN 'key_reused'
               WHEN EXISTS (SELECT FROM ledger.transaction o WHERE o.id = g.id) THEN 'id_taken'
               WHEN NOT EXISTS (SELECT FROM ledger.transaction o WHERE o.id = g.reverses) THEN 'original_unknown'
               ELSE 'already_reversed'
           END,
           s.id,
           CASE
               WHEN is_posted[g.n] OR s.digest = g.digest THEN ''
               WHEN s.id IS NULL THEN COALESCE(r.id::text, '')
               WHEN s.rule <> g.rule THEN 'rule'
               WHEN s.version <> g.version THEN 'version'
               WHEN s.occurred_at <> g.occurred_at THEN 'occurred_at'
               WHEN s.zone <> g.zone THEN 'zone'
               WHEN s.reference IS DISTINCT FROM g.reference THEN 'reference'
               WHEN s.reverses IS DISTINCT FROM g.reverses THEN 'reverses'
               WHEN s.note <> g.note THEN 'note'
               ELSE 'postings'
           END
    FROM unnest(ids, keys, digests, rules, versions, occurred, zones, refs, originals, notes)
        WITH ORDINALITY AS g (id, key, digest, rule, version, occurred_at, zone, reference, reverses, note, n)
    LEFT JOIN ledger.transaction s ON s.key = g.key
    LEFT JOIN ledger.transaction r ON r.reverses = g.reverses
    ORDER BY g.n;
END $$;
