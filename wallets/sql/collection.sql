-- name: insert_collection
INSERT INTO wallets.collection (id, wallet, payer, currency, amount, callback_digest, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7)

-- name: collection
SELECT id, wallet, payer, currency, amount, callback_digest, correlation, reference, created_at
FROM wallets.collection WHERE id = $1

-- name: note_names
-- Keep the operator's names of an attempt; one that is not told this time stays.
UPDATE wallets.collection
SET correlation = COALESCE($2, correlation), reference = COALESCE($3, reference), told_at = $4
WHERE id = $1

-- name: reserve_query
-- Take one query from the budget: no row when the window is full. Times outside the window are forgotten.
UPDATE wallets.collection
SET queried_at = ARRAY(
    SELECT time FROM unnest(queried_at) AS time WHERE time > $4::timestamptz - make_interval(secs => $3)
) || $4::timestamptz
WHERE id = $1 AND $2 > (
    SELECT count(*) FROM unnest(queried_at) AS time WHERE time > $4::timestamptz - make_interval(secs => $3)
)
RETURNING id

-- name: release_query
-- Give one query back that was never sent.
UPDATE wallets.collection
SET queried_at = queried_at[:array_position(queried_at, $2::timestamptz) - 1]
              || queried_at[array_position(queried_at, $2::timestamptz) + 1:]
WHERE id = $1 AND $2::timestamptz = ANY (queried_at)
