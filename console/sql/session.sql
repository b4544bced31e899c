-- name: create_session
INSERT INTO console.session (token_digest, staff_id, language, created_at, seen_at)
VALUES ($1, $2, $3, $4, $4)

-- name: live_session
-- $2 now, $3 idle limit, $4 absolute limit. Written at most once a minute, so reading stays cheap.
WITH live AS (
    SELECT session.token_digest, session.language, session.seen_at, session.search_handle,
           session.search_payer, session.created_at,
           staff.id AS staff_id, staff.name AS staff_name, staff.role, staff.agency
    FROM console.session JOIN console.staff ON staff.id = session.staff_id
    WHERE session.token_digest = $1
      AND session.seen_at > $2::timestamptz - $3::interval
      AND session.created_at > $2::timestamptz - $4::interval
      AND staff.disabled_at IS NULL
), touched AS (
    UPDATE console.session SET seen_at = $2 FROM live
    WHERE session.token_digest = live.token_digest
      AND live.seen_at < $2::timestamptz - interval '1 minute'
)
SELECT staff_id, staff_name, role, agency, language, search_handle, search_payer FROM live

-- name: end_session
DELETE FROM console.session WHERE token_digest = $1

-- name: end_other_sessions
DELETE FROM console.session WHERE staff_id = $1 AND token_digest <> $2

-- name: end_stale_sessions
DELETE FROM console.session
WHERE seen_at <= $1::timestamptz - $2::interval OR created_at <= $1::timestamptz - $3::interval

-- name: set_session_language
-- The person keeps it for the next session too.
WITH kept AS (
    UPDATE console.session SET language = $2 WHERE token_digest = $1 RETURNING staff_id
)
UPDATE console.staff SET language = $2 FROM kept WHERE staff.id = kept.staff_id

-- name: set_session_search
UPDATE console.session SET search_handle = $2, search_payer = $3 WHERE token_digest = $1

-- name: begin_sign_in
-- Counts the try before the password is looked at, so that a hundred at once are a hundred, not one.
-- While locked nothing is counted. $3: free tries; $4: first lock; $5: longest lock.
INSERT INTO console.sign_in_failure AS past (name_digest, failures, failed_at)
VALUES ($1, 1, $2)
ON CONFLICT (name_digest) DO UPDATE SET
    failures = past.failures + 1,
    failed_at = excluded.failed_at,
    locked_until = CASE WHEN past.failures + 1 >= $3::int THEN excluded.failed_at + least(
        $4::interval * power(2, least(past.failures + 1 - $3::int, 20)), $5::interval) END
WHERE past.locked_until IS NULL OR past.locked_until <= excluded.failed_at
RETURNING failures

-- name: sign_in_lock
SELECT locked_until FROM console.sign_in_failure WHERE name_digest = $1

-- name: forget_failures
DELETE FROM console.sign_in_failure WHERE name_digest = $1

-- name: forget_old_failures
DELETE FROM console.sign_in_failure WHERE failed_at < $1::timestamptz - interval '1 day'
