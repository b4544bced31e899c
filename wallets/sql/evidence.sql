-- name: insert_evidence
INSERT INTO wallets.evidence (collection, kind, at, method, url_path, status, headers, body, size, note)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
RETURNING id

-- name: store_callbacks
SELECT * FROM wallets.store_callbacks_v1($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)

-- name: stored_callbacks
SELECT id, collection FROM wallets.evidence WHERE id = ANY ($1)

-- name: evidence_of
SELECT id, collection, kind, at, method, url_path, status, headers, body, size, note, repeats
FROM wallets.evidence WHERE collection = $1 ORDER BY position

-- name: evidence
SELECT id, collection, kind, at, method, url_path, status, headers, body, size, note, repeats
FROM wallets.evidence WHERE id = $1
