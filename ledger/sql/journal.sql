-- name: submit
-- Arrays in, one row per transaction out, in order (sql/migrations/0002_add_submit_v1.sql).
SELECT outcome, booked, detail
FROM ledger.submit_v1(
    $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11,
    $12, $13, $14, $15, $16, $17
)
