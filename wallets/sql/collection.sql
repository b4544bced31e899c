-- name: insert_collections
INSERT INTO wallets.collection (id, wallet, payer, currency, amount, callback_digest, created_at)
SELECT * FROM unnest($1::uuid[], $2::text[], $3::bytea[], $4::text[], $5::bigint[], $6::bytea[], $7::timestamptz[])

-- name: collection
SELECT id, wallet, payer, currency, amount, callback_digest, correlation, reference, created_at
FROM wallets.collection WHERE id = $1

-- name: note_names
-- Keep the operator's names of attempts; one that is not told this time stays.
UPDATE wallets.collection
SET correlation = COALESCE(said.correlation, collection.correlation),
    reference = COALESCE(said.reference, collection.reference), told_at = $4
FROM unnest($1::uuid[], $2::text[], $3::text[]) AS said (id, correlation, reference)
WHERE collection.id = said.id

-- name: reserve_queries
-- Take one query of each from its budget. Times outside the window are forgotten.
UPDATE wallets.collection
SET queried_at = ARRAY(
    SELECT time FROM unnest(queried_at) AS time WHERE time > $3::timestamptz - make_interval(secs => asked.window_s)
) || $3::timestamptz
FROM unnest($1::uuid[], $2::float8[]) AS asked (id, window_s)
WHERE collection.id = asked.id

-- name: release_query
-- Give one query back that was never sent.
UPDATE wallets.collection
SET queried_at = queried_at[:array_position(queried_at, $2::timestamptz) - 1]
              || queried_at[array_position(queried_at, $2::timestamptz) + 1:]
WHERE id = $1 AND $2::timestamptz = ANY (queried_at)
