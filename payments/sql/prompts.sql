-- name: lock_prompts
-- Prompts that others send to one phone are decided one after the other; phones in one order.
SELECT pg_advisory_xact_lock(hashtextextended(encode(payer, 'hex'), 7011))
FROM (SELECT payer FROM unnest($1::bytea[]) AS payer ORDER BY payer) AS ordered

-- name: prompts_of_payers
-- Whether one is open on a payer's phone, and how many others sent since $2 and since $3.
SELECT payer, bool_or(state IN ('created', 'sent', 'pending', 'unknown')) AS is_open,
       count(*) FILTER (WHERE NOT by_payer AND created_at > $2) AS in_an_hour,
       count(*) FILTER (WHERE NOT by_payer) AS in_a_day
FROM payments.payment WHERE payer = ANY ($1) AND created_at > $3 GROUP BY payer
