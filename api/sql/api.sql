-- name: insert_key
INSERT INTO api.key (id, agency, digest, hint, created_at) VALUES ($1, $2, $3, $4, $5)

-- name: agency_of_key
SELECT agency FROM api.key WHERE digest = $1 AND revoked_at IS NULL

-- name: keys
SELECT id, agency, hint, created_at, revoked_at FROM api.key ORDER BY created_at, id

-- name: revoke_key
UPDATE api.key SET revoked_at = $2 WHERE id = $1 AND revoked_at IS NULL RETURNING id

-- name: claim_request
-- The first one under a key goes on; a concurrent second waits here for its commit, then finds it.
INSERT INTO api.request (agency, key, fingerprint, asked_at) VALUES ($1, $2, $3, $4)
ON CONFLICT DO NOTHING RETURNING key

-- name: claimed_request
SELECT fingerprint, control_number FROM api.request WHERE agency = $1 AND key = $2

-- name: record_issued
UPDATE api.request SET control_number = $3 WHERE agency = $1 AND key = $2
