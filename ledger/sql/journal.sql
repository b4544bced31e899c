-- name: submit
-- Arrays in, one row out if all was booked, else one per transaction (sql/migrations/0004_add_submit_v2.sql).
SELECT outcome, booked, recorded_at, business_date, detail
FROM ledger.submit_v2(
    $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11,
    $12, $13, $14, $15, $16, $17, $18
)

-- name: submit_one
-- When it was recorded; null: nothing was written, it must go by submit (sql/migrations/0010_add_submit_one.sql).
SELECT ledger.submit_one_v1($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)

-- name: recall
SELECT id, recorded_at, business_date, digest FROM ledger.transaction WHERE id = ANY ($1::uuid[])
