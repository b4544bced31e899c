-- name: insert_evidence
INSERT INTO wallets.evidence (collection, kind, at, method, url_path, status, headers, body, size, note)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
RETURNING id

-- name: store_callback
-- Keep a callback under the collection whose token it came to; an identical one only counts up. No row:
-- nobody has that token.
INSERT INTO wallets.evidence
    (collection, kind, at, method, url_path, headers, body, size, note, fingerprint)
SELECT id, 'callback', $2, $3, $4, $5, $6, $7, $8, $9
FROM wallets.collection WHERE callback_digest = $1
ON CONFLICT (collection, fingerprint) DO UPDATE SET repeats = evidence.repeats + 1
RETURNING id, collection, repeats

-- name: evidence_of
SELECT id, collection, kind, at, method, url_path, status, headers, body, size, note, repeats
FROM wallets.evidence WHERE collection = $1 ORDER BY position

-- name: evidence
SELECT id, collection, kind, at, method, url_path, status, headers, body, size, note, repeats
FROM wallets.evidence WHERE id = $1
