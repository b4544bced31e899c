-- name: lock_prompts
-- Prompts that others send to one phone are decided one after the other.
SELECT pg_advisory_xact_lock(hashtextextended(encode($1::bytea, 'hex'), 7011))

-- name: prompts_of_payer
-- Whether one is open on the payer's phone, and how many others sent since $2 and since $3.
SELECT COALESCE(bool_or(state IN ('created', 'sent', 'pending', 'unknown')), false) AS is_open,
       count(*) FILTER (WHERE NOT by_payer AND created_at > $2) AS in_an_hour,
       count(*) FILTER (WHERE NOT by_payer) AS in_a_day
FROM payments.payment WHERE payer = $1 AND created_at > $3
