-- Ask for many pieces of work at once; asking again only makes one due earlier, and so does asking twice
-- in one call. While somebody holds it, asking means once more after: also when the lease has run out, for
-- the holder may still be the one to finish it. In the order of kinds and keys, so that callers never
-- wait for each other in a circle.
CREATE FUNCTION kernel.enqueue_work_v1(kinds text[], keys text[], delays_s float8[]) RETURNS void
LANGUAGE sql AS $$
    INSERT INTO kernel.work (kind, key, due_at)
    SELECT asked.kind, asked.key, now() + make_interval(secs => min(asked.delay_s))
    FROM unnest(kinds, keys, delays_s) AS asked (kind, key, delay_s)
    GROUP BY asked.kind, asked.key ORDER BY asked.kind COLLATE "C", asked.key COLLATE "C"
    ON CONFLICT (kind, key) DO UPDATE
    SET due_at = CASE WHEN work.leased_until IS NULL THEN LEAST(work.due_at, excluded.due_at) ELSE work.due_at END,
        again_at = CASE WHEN work.leased_until IS NOT NULL THEN LEAST(work.again_at, excluded.due_at) END,
        parked_at = NULL
$$;
