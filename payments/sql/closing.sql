-- name: callbacks_until
-- By the day on which their payment began where its agency is.
SELECT CASE WHEN w.parked_at IS NULL THEN 'waiting' ELSE 'given up' END AS what, count(*)::int AS count,
       min((p.created_at AT TIME ZONE p.zone)::date) AS since
FROM kernel.work w
JOIN wallets.evidence e ON e.id = w.key::uuid
JOIN payments.payment p ON p.collection_id = e.collection
WHERE w.kind = 'wallets.callback' AND (p.created_at AT TIME ZONE p.zone)::date <= $1
GROUP BY 1 ORDER BY 1

-- name: unresolved_until
SELECT state AS what, count(*)::int AS count, min((created_at AT TIME ZONE zone)::date) AS since
FROM payments.payment
WHERE state = ANY ($2) AND (created_at AT TIME ZONE zone)::date <= $1
GROUP BY state ORDER BY state

-- name: late_money_until
SELECT m.kind || ' ' || m.wallet AS what, count(*)::int AS count,
       min((m.opened_at AT TIME ZONE p.zone)::date) AS since
FROM payments.late_money m JOIN payments.payment p ON p.id = m.payment_id
WHERE m.state = 'open' AND (m.opened_at AT TIME ZONE p.zone)::date <= $1
GROUP BY 1 ORDER BY 1
