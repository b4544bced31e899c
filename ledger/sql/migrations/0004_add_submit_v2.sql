-- Book many transactions in one call: arrays in; one row out with outcome 'all' if every one was booked
-- as given, else one row per transaction in order.
--
-- Transaction i is ids[i], keys[i], … and has the shape shapes[i]: rules[shape], versions[shape], zones[shape],
-- and the movements m with move_shape[m] = shape: the move_n[m]-th is from paths[credits[m]] to paths[debits[m]].
-- amounts are those of all movements, transaction by transaction.
-- outcome: posted | replayed | key_reused | id_taken | original_unknown | already_reversed | account_closed |
-- below_minimum | above_maximum; booked: the id the key stands for; recorded_at, business_date: as booked;
-- detail: the field that differs, the reversal there already is, or the guarded account.
-- A refused transaction leaves nothing behind and its neighbours stand. A malformed one (checked by
-- journal.py before) breaks a constraint and fails the whole call.
--
-- Sessions cannot deadlock: each waits for guards, then for keys and originals, then for new accounts,
-- each kind in one order.
CREATE FUNCTION ledger.submit_v2(
    ids uuid[], keys text[], digests bytea[], occurred timestamptz[], dates date[], refs uuid[], originals uuid[],
    notes text[], shapes int[], amounts bigint[], rules text[], versions smallint[], zones text[], paths text[],
    move_shape int[], move_n smallint[], debits int[], credits int[]
) RETURNS TABLE (outcome text, booked uuid, recorded_at timestamptz, business_date date, detail text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
    account_ids int[];
    is_guarded  boolean;
    number      bigint;         -- of the batch
    recorded    timestamptz;
    open_from   date;
    is_plain    boolean := num_nulls(VARIADIC originals) = cardinality(originals);
    is_posted   boolean[];      -- null: all are
    posted      int;
    refusals    text[];         -- by guards; null where none
    refused     text[];
    at          int;
BEGIN
    -- A closing waits for those who look at the lock date now, and is seen by those who come later.
    PERFORM pg_advisory_xact_lock_shared(hashtext('ledger.closing'));
    open_from := ledger.open_from();
    IF open_from > ANY (dates) THEN
        dates := ARRAY(SELECT GREATEST(d.day, open_from) FROM unnest(dates) WITH ORDINALITY AS d (day, n) ORDER BY d.n);
    END IF;

    -- A movement between two currencies would leave both unbalanced.
    IF EXISTS (
        SELECT FROM unnest(debits, credits) AS m (debit, credit)
        JOIN unnest(paths) WITH ORDINALITY AS d (path, n) ON d.n = m.debit
        JOIN unnest(paths) WITH ORDINALITY AS c (path, n) ON c.n = m.credit
        WHERE right(d.path, 3) <> right(c.path, 3)
    ) THEN
        RAISE EXCEPTION 'a posting moves money between two currencies' USING ERRCODE = 'check_violation';
    END IF;

    account_ids := ledger.ids_of(paths);
    PERFORM FROM ledger.guard g WHERE g.account = ANY (account_ids) ORDER BY g.account FOR UPDATE;
    is_guarded := FOUND;

    -- After the guards: whoever waited for another there comes behind it.
    number := nextval('ledger.batch_number');
    recorded := clock_timestamp();

    LOOP
        BEGIN
            -- Nearly always nothing stands in the way, and one insert is all. A key in another session's
            -- open transaction is waited for: it commits (look closer) or rolls back (go on).
            IF is_plain THEN
                is_posted := NULL;
                posted := cardinality(ids);
                INSERT INTO ledger.transaction (seq, id, recorded_at, occurred_at, business_date, version, rule, zone,
                                                key, digest, note, reference)
                SELECT number << 16 | g.n, g.id, recorded, g.occurred_at, g.business_date, s.version, s.rule, s.zone,
                       g.key, g.digest, g.note, g.reference
                FROM unnest(ids, keys, digests, occurred, dates, refs, notes, shapes)
                    WITH ORDINALITY AS g (id, key, digest, occurred_at, business_date, reference, note, shape, n)
                JOIN unnest(rules, versions, zones) WITH ORDINALITY AS s (rule, version, zone, n) ON s.n = g.shape
                ORDER BY g.key COLLATE "C";
            ELSE
                is_posted := array_fill(false, ARRAY[cardinality(ids)]);
                posted := 0;
                FOR at IN
                    INSERT INTO ledger.transaction AS t (seq, id, recorded_at, occurred_at, business_date, version,
                                                         rule, zone, key, digest, note, reference, reverses)
                    SELECT number << 16 | g.n, g.id, recorded, g.occurred_at, g.business_date, s.version, s.rule,
                           s.zone, g.key, g.digest, g.note, g.reference, g.reverses
                    FROM unnest(ids, keys, digests, occurred, dates, refs, originals, notes, shapes, refusals)
                        WITH ORDINALITY AS g (id, key, digest, occurred_at, business_date, reference, reverses, note,
                                              shape, refusal, n)
                    JOIN unnest(rules, versions, zones) WITH ORDINALITY AS s (rule, version, zone, n)
                        ON s.n = g.shape
                    WHERE g.refusal IS NULL
                      AND (g.reverses IS NULL OR EXISTS (SELECT FROM ledger.transaction o WHERE o.id = g.reverses))
                    ORDER BY COALESCE(g.reverses::text, g.key) COLLATE "C", g.n
                    ON CONFLICT DO NOTHING
                    RETURNING (t.seq & 65535)::int
                LOOP
                    is_posted[at] := true;
                    posted := posted + 1;
                END LOOP;
            END IF;
            -- Guards judge what would really be posted; without what they refuse it is tried again.
            EXIT WHEN NOT is_guarded;
            refused := ledger.guard_v1(
                paths, account_ids, is_posted, shapes, amounts, move_shape, move_n, debits, credits);
            EXIT WHEN refused IS NULL;
            RAISE EXCEPTION 'refused by a guard' USING ERRCODE = 'MZ001';
        EXCEPTION
            WHEN unique_violation THEN
                is_plain := false;
            WHEN SQLSTATE 'MZ001' THEN
                is_plain := false;
                refusals := ARRAY(
                    SELECT COALESCE(r.old, r.new) FROM unnest(refusals, refused) WITH ORDINALITY AS r (old, new, n)
                    ORDER BY r.n);
        END;
    END LOOP;

    IF posted > 0 THEN
        IF array_position(account_ids, NULL) IS NOT NULL THEN
            PERFORM ledger.open_accounts_v1(paths, account_ids, is_posted, shapes, move_shape, debits, credits);
            account_ids := ledger.ids_of(paths);
        END IF;
        WITH moved AS MATERIALIZED (
            SELECT m.t, m.n, account_ids[m.debit] AS debit, account_ids[m.credit] AS credit, m.amount
            FROM ledger.movements(shapes, amounts, move_shape, move_n, debits, credits) m
            WHERE is_posted IS NULL OR is_posted[m.t]
        ), kept AS (
            INSERT INTO ledger.posting (seq, n, debit, credit, amount)
            SELECT number << 16 | m.t, m.n, m.debit, m.credit, m.amount FROM moved m
        ), pair AS (
            SELECT m.debit, m.credit, dates[m.t] AS day, sum(m.amount) AS amount, count(*) AS postings
            FROM moved m GROUP BY m.debit, m.credit, dates[m.t]
        ), added AS (
            SELECT s.account, s.day, sum(s.debits) AS debits, sum(s.credits) AS credits, sum(s.postings) AS postings
            FROM (
                SELECT p.debit AS account, p.day, p.amount AS debits, 0 AS credits, p.postings FROM pair p
                UNION ALL SELECT p.credit, p.day, 0, p.amount, p.postings FROM pair p
            ) s
            GROUP BY s.account, s.day ORDER BY s.account, s.day
        )
        INSERT INTO ledger.unsealed (batch, transactions, accounts, dates, debits, credits, postings)
        SELECT number, posted, array_agg(a.account), array_agg(a.day), array_agg(a.debits), array_agg(a.credits),
               array_agg(a.postings)
        FROM added a;
    END IF;

    IF is_posted IS NULL THEN
        RETURN QUERY SELECT 'all', NULL::uuid, recorded, open_from, NULL::text;
    ELSE
        RETURN QUERY
        SELECT * FROM ledger.outcomes_v1(
            ids, keys, digests, occurred, refs, originals, notes, shapes, rules, versions, zones, refusals, is_posted);
    END IF;
END $$;

-- The accounts of some paths, in order; null where there is none.
CREATE FUNCTION ledger.ids_of(paths text[]) RETURNS int[] LANGUAGE sql STABLE AS $$
    SELECT array_agg(a.id ORDER BY w.n)
    FROM unnest(paths) WITH ORDINALITY AS w (path, n) LEFT JOIN ledger.account a ON a.path = w.path
$$;

-- The movements of all transactions: the n-th of transaction t.
CREATE FUNCTION ledger.movements(
    shapes int[], amounts bigint[], move_shape int[], move_n smallint[], debits int[], credits int[]
) RETURNS TABLE (t int, n smallint, debit int, credit int, amount bigint) LANGUAGE sql STABLE AS $$
    SELECT g.t::int, m.n, m.debit, m.credit, amounts[g.start + m.n]
    FROM (
        SELECT s.t, s.shape, sum(c.count) OVER (ORDER BY s.t ROWS UNBOUNDED PRECEDING) - c.count AS start
        FROM unnest(shapes) WITH ORDINALITY AS s (shape, t)
        JOIN (SELECT x AS shape, count(*)::int AS count FROM unnest(move_shape) x GROUP BY x) c USING (shape)
    ) g
    JOIN unnest(move_shape, move_n, debits, credits) AS m (shape, n, debit, credit) ON m.shape = g.shape
$$;

-- Open the accounts that posted transactions need.
CREATE FUNCTION ledger.open_accounts_v1(
    paths text[], account_ids int[], is_posted boolean[], shapes int[], move_shape int[], debits int[], credits int[]
) RETURNS void LANGUAGE sql AS $$
    INSERT INTO ledger.account (path)
    SELECT DISTINCT w.path COLLATE "C" AS path
    FROM unnest(move_shape, debits, credits) AS m (shape, debit, credit)
    CROSS JOIN LATERAL (VALUES (m.debit), (m.credit)) AS side (at)
    JOIN unnest(paths, account_ids) WITH ORDINALITY AS w (path, id, n) ON w.n = side.at
    WHERE w.id IS NULL AND (is_posted IS NULL OR EXISTS (
        SELECT FROM unnest(shapes, is_posted) AS g (shape, is_posted) WHERE g.is_posted AND g.shape = m.shape))
    ORDER BY path
    ON CONFLICT DO NOTHING
$$;

-- What became of each transaction when not all were simply booked.
CREATE FUNCTION ledger.outcomes_v1(
    ids uuid[], keys text[], digests bytea[], occurred timestamptz[], refs uuid[], originals uuid[], notes text[],
    shapes int[], rules text[], versions smallint[], zones text[], refusals text[], is_posted boolean[]
) RETURNS TABLE (outcome text, booked uuid, recorded_at timestamptz, business_date date, detail text)
LANGUAGE sql AS $$
    SELECT CASE
               WHEN is_posted[g.n] THEN 'posted'
               WHEN s.digest = g.digest THEN 'replayed'
               WHEN s.id IS NOT NULL THEN 'key_reused'
               WHEN EXISTS (SELECT FROM ledger.transaction o WHERE o.id = g.id) THEN 'id_taken'
               WHEN g.refusal IS NOT NULL THEN split_part(g.refusal, ' ', 1)
               WHEN NOT EXISTS (SELECT FROM ledger.transaction o WHERE o.id = g.reverses) THEN 'original_unknown'
               ELSE 'already_reversed'
           END,
           s.id, s.recorded_at, s.business_date,
           CASE
               WHEN is_posted[g.n] OR s.digest = g.digest THEN ''
               WHEN s.id IS NULL AND g.refusal IS NOT NULL THEN split_part(g.refusal, ' ', 2)
               WHEN s.id IS NULL THEN COALESCE(r.id::text, '')
               WHEN s.rule <> h.rule THEN 'rule'
               WHEN s.version <> h.version THEN 'version'
               WHEN s.occurred_at <> g.occurred_at THEN 'occurred_at'
               WHEN s.zone <> h.zone THEN 'zone'
               WHEN s.reference IS DISTINCT FROM g.reference THEN 'reference'
               WHEN s.reverses IS DISTINCT FROM g.reverses THEN 'reverses'
               WHEN s.note <> g.note THEN 'note'
               ELSE 'postings'
           END
    FROM unnest(ids, keys, digests, occurred, refs, originals, notes, shapes, refusals)
        WITH ORDINALITY AS g (id, key, digest, occurred_at, reference, reverses, note, shape, refusal, n)
    JOIN unnest(rules, versions, zones) WITH ORDINALITY AS h (rule, version, zone, n) ON h.n = g.shape
    LEFT JOIN ledger.transaction s ON s.key = g.key
    LEFT JOIN ledger.transaction r ON r.reverses = g.reverses
    ORDER BY g.n
$$;

-- Which of the posted transactions the guarded accounts (locked by the caller) refuse, each seeing what
-- those before it do: '<reason> <path>' per transaction of the call, null where nothing is refused; null
-- altogether if none is. A limit holds for what moves towards it: an account beyond it can be mended.
CREATE FUNCTION ledger.guard_v1(
    paths text[], account_ids int[], is_posted boolean[], shapes int[], amounts bigint[], move_shape int[],
    move_n smallint[], debits int[], credits int[]
) RETURNS text[] LANGUAGE plpgsql AS $$
DECLARE
    refusals text[];
    balances numeric[] := array_fill(NULL::numeric, ARRAY[cardinality(paths)]);  -- of guarded accounts
    mins     numeric[] := balances;
    maxs     numeric[] := balances;
    closed   boolean[] := array_fill(false, ARRAY[cardinality(paths)]);
    is_near  boolean := false;  -- some limit could be passed by some order of these movements
    refusal  text;
    one      record;
    i        int;
BEGIN
    FOR one IN
        SELECT w.at, g.min_balance, g.max_balance, g.is_closed, ledger.balance_now(g.account) AS balance,
               COALESCE(m.debits, 0) AS debits, COALESCE(m.credits, 0) AS credits
        FROM unnest(account_ids) WITH ORDINALITY AS w (id, at)
        JOIN ledger.guard g ON g.account = w.id
        LEFT JOIN (
            SELECT s.at, sum(s.debit) AS debits, sum(s.credit) AS credits
            FROM ledger.movements(shapes, amounts, move_shape, move_n, debits, credits) p
            CROSS JOIN LATERAL (VALUES (p.debit, p.amount, 0), (p.credit, 0, p.amount)) AS s (at, debit, credit)
            WHERE is_posted IS NULL OR is_posted[p.t]
            GROUP BY s.at
        ) m ON m.at = w.at
    LOOP
        balances[one.at] := one.balance;
        mins[one.at] := COALESCE(one.min_balance, '-Infinity');
        maxs[one.at] := COALESCE(one.max_balance, 'Infinity');
        closed[one.at] := one.is_closed;
        is_near := is_near OR one.is_closed OR one.balance + one.debits > maxs[one.at]
                   OR one.balance - one.credits < mins[one.at];
    END LOOP;
    IF NOT is_near THEN
        RETURN NULL;
    END IF;

    FOR one IN
        SELECT m.t, array_agg(m.at ORDER BY m.at) AS ats, array_agg(m.moved ORDER BY m.at) AS moves
        FROM (
            SELECT p.t, s.at, sum(s.signed) AS moved
            FROM ledger.movements(shapes, amounts, move_shape, move_n, debits, credits) p
            CROSS JOIN LATERAL (VALUES (p.debit, p.amount), (p.credit, -p.amount)) AS s (at, signed)
            WHERE balances[s.at] IS NOT NULL AND (is_posted IS NULL OR is_posted[p.t])
            GROUP BY p.t, s.at
        ) m
        GROUP BY m.t ORDER BY m.t
    LOOP
        refusal := NULL;
        FOR i IN 1 .. cardinality(one.ats) LOOP
            refusal := COALESCE(refusal, CASE
                WHEN closed[one.ats[i]] THEN 'account_closed '
                WHEN one.moves[i] > 0 AND balances[one.ats[i]] + one.moves[i] > maxs[one.ats[i]] THEN 'above_maximum '
                WHEN one.moves[i] < 0 AND balances[one.ats[i]] + one.moves[i] < mins[one.ats[i]] THEN 'below_minimum '
            END || paths[one.ats[i]]);
        END LOOP;
        IF refusal IS NULL THEN
            FOR i IN 1 .. cardinality(one.ats) LOOP
                balances[one.ats[i]] := balances[one.ats[i]] + one.moves[i];
            END LOOP;
        ELSE
            refusals := COALESCE(refusals, array_fill(NULL::text, ARRAY[cardinality(shapes)]));
            refusals[one.t] := refusal;
        END IF;
    END LOOP;
    RETURN refusals;
END $$;

-- Debits less credits of one account, exact in the snapshot of the caller's statement.
CREATE FUNCTION ledger.balance_now(one int) RETURNS numeric LANGUAGE sql VOLATILE AS $$
    SELECT COALESCE((SELECT debits - credits FROM ledger.total WHERE account = one), 0)
         + COALESCE((SELECT sum(debits - credits) FROM ledger.unsealed_delta WHERE account = one), 0)
$$;
