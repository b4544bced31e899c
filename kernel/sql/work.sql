-- name: enqueue_work
SELECT kernel.enqueue_work_v1($1, $2, $3)

-- name: claim_work
-- Lease due rows, oldest first; the token fences off whoever held them before.
UPDATE kernel.work SET
    leased_until = now() + make_interval(secs => $2), attempts = attempts + 1,
    token = nextval('kernel.work_token'), again_at = CASE WHEN again_at > now() THEN again_at END
WHERE id IN (
    SELECT id FROM kernel.work
    WHERE parked_at IS NULL AND due_at <= now() - make_interval(secs => $3)
      AND (leased_until IS NULL OR leased_until < now()) AND ($4::text[] IS NULL OR kind = ANY($4))
    ORDER BY due_at LIMIT $1 FOR UPDATE SKIP LOCKED
)
RETURNING id, kind, key, attempts, token

-- name: hold_work
-- Lock those that are still ours, in the order in which work is asked for.
SELECT work.id FROM kernel.work JOIN unnest($1::bigint[], $2::bigint[]) AS ours (id, token) USING (id, token)
ORDER BY kind COLLATE "C", key COLLATE "C" FOR UPDATE OF work

-- name: finish_work
-- Done: gone, unless somebody asked again meanwhile; then it waits for that. Those that are missing: the lease
-- was lost.
WITH held AS (
    SELECT work.id, again_at FROM kernel.work
    JOIN unnest($1::bigint[], $2::bigint[]) AS ours (id, token) USING (id, token)
    ORDER BY kind COLLATE "C", key COLLATE "C" FOR UPDATE OF work
), gone AS (
    DELETE FROM kernel.work USING held WHERE work.id = held.id AND held.again_at IS NULL
), kept AS (
    UPDATE kernel.work
    SET leased_until = NULL, token = NULL, due_at = held.again_at, again_at = NULL, attempts = 0
    FROM held WHERE work.id = held.id AND held.again_at IS NOT NULL
)
SELECT id FROM held

-- name: retry_work
-- Give the lease back, for good, and come again later, or earlier if somebody asked meanwhile.
UPDATE kernel.work SET
    leased_until = NULL, token = NULL, last_error = $4, again_at = NULL,
    due_at = LEAST(now() + make_interval(secs => $3), again_at)
WHERE id = $1 AND token = $2

-- name: park_work
-- Given up: kept, visible, never claimed until somebody asks for it again.
UPDATE kernel.work SET leased_until = NULL, token = NULL, parked_at = now(), last_error = $3
WHERE id = $1 AND token = $2

-- name: next_due_work
-- Seconds until the next row is due; null when there is none.
SELECT EXTRACT(epoch FROM min(GREATEST(due_at, COALESCE(leased_until, due_at))) - now())::float8
FROM kernel.work WHERE parked_at IS NULL
