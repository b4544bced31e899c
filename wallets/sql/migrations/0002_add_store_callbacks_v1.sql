-- Several identical callbacks that come at once are counted at once.
CREATE OR REPLACE FUNCTION wallets.keep_evidence() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        IF NEW.repeats >= OLD.repeats THEN
            OLD.repeats := NEW.repeats;
            IF NEW IS NOT DISTINCT FROM OLD THEN
                RETURN NEW;
            END IF;
        END IF;
    END IF;
    RAISE EXCEPTION 'evidence is append-only' USING ERRCODE = 'restrict_violation';
END $$;

-- Keep callbacks under the collections whose tokens they came to, with the work that looks at them; one row
-- out for each, in order. An identical one only counts up, and is looked at after repeats_wait_s: it gets
-- the id of the first. Nulls: nobody has that token, nothing was written. The same ids again change nothing.
--
-- Rows are written in the order of collections and fingerprints, so that callers never wait for each
-- other in a circle; their positions follow the order of arrival.
CREATE FUNCTION wallets.store_callbacks_v1(
    ids uuid[], digests bytea[], times timestamptz[], methods text[], paths text[], headers jsonb[],
    bodies bytea[], sizes bigint[], notes text[], fingerprints bytea[], repeats_wait_s float8
) RETURNS TABLE (evidence uuid, collection uuid, is_repeat boolean) LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    stored_ids  uuid[];
    stored_at   uuid[];  -- their collections
BEGIN
    WITH came AS MATERIALIZED (
        SELECT g.*, nextval(pg_get_serial_sequence('wallets.evidence', 'position')) AS position
        FROM unnest(ids, digests, times, methods, paths, headers, bodies, sizes, notes, fingerprints)
            WITH ORDINALITY AS g (id, digest, at, method, url_path, headers, body, size, note, fingerprint, n)
    ), known AS MATERIALIZED (
        SELECT came.*, c.id AS collection,
               row_number() OVER same AS nth, count(*) OVER (PARTITION BY c.id, came.fingerprint) AS times
        FROM came JOIN wallets.collection c ON c.callback_digest = came.digest
        WINDOW same AS (PARTITION BY c.id, came.fingerprint ORDER BY came.n)
    ), stored AS (
        INSERT INTO wallets.evidence AS e
            (id, position, collection, kind, at, method, url_path, headers, body, size, note, fingerprint, repeats)
        OVERRIDING SYSTEM VALUE
        SELECT id, position, collection, 'callback', at, method, url_path, headers, body, size, note, fingerprint,
               times - 1
        FROM known WHERE nth = 1 ORDER BY collection, fingerprint
        ON CONFLICT (collection, fingerprint)
        DO UPDATE SET repeats = e.repeats + excluded.repeats + (e.id <> excluded.id)::int
        RETURNING e.id, e.collection, e.fingerprint
    )
    SELECT array_agg(s.id ORDER BY came.n), array_agg(s.collection ORDER BY came.n) INTO stored_ids, stored_at
    FROM came LEFT JOIN known USING (n)
    LEFT JOIN stored s ON s.collection = known.collection AND s.fingerprint = known.fingerprint;

    PERFORM kernel.enqueue_work_v1(
        array_agg('wallets.callback'::text), array_agg(s.id::text),
        array_agg(CASE WHEN s.id = s.own THEN 0 ELSE repeats_wait_s END))
    FROM unnest(stored_ids, ids) AS s (id, own) WHERE s.id IS NOT NULL HAVING count(*) > 0;

    RETURN QUERY SELECT s.id, s.collection, s.id <> s.own
    FROM unnest(stored_ids, stored_at, ids) WITH ORDINALITY AS s (id, collection, own, n) ORDER BY s.n;
END $$;
