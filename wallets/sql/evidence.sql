-- name: insert_evidence
INSERT INTO wallets.evidence (id, collection, kind, at, method, url_path, status, headers, body, size, note)
SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::timestamptz[], $5::text[], $6::text[], $7::int[],
                     $8::jsonb[], $9::bytea[], $10::bigint[], $11::text[])

-- name: store_callbacks
SELECT * FROM wallets.store_callbacks_v1($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)

-- name: stored_evidence
SELECT id, collection FROM wallets.evidence WHERE id = ANY ($1)

-- name: evidence_of
SELECT id, collection, kind, at, method, url_path, status, headers, body, size, note, repeats
FROM wallets.evidence WHERE collection = $1 ORDER BY position

-- name: evidence
SELECT id, collection, kind, at, method, url_path, status, headers, body, size, note, repeats
FROM wallets.evidence WHERE id = $1
