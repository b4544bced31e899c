-- name: payments_by_reference
-- Payments that a control number, a receipt number or code, or an id names.
SELECT id FROM payments.payment WHERE control_number = $1
UNION SELECT payment_id FROM payments.receipt WHERE number = $1 OR code = $1
UNION SELECT id FROM payments.payment WHERE id = $2

-- name: payment_rows
SELECT p.id, p.created_at, p.control_number, p.agency, p.service, p.currency, p.total, p.wallet, p.state,
       p.reason, p.payer, receipt.number AS receipt_number
FROM console.matching_payment($1, $2, $3, $4, $5, $6, $7, $8, $9) p
LEFT JOIN payments.receipt ON receipt.payment_id = p.id
ORDER BY p.created_at DESC, p.id LIMIT $10 OFFSET $11

-- name: payment_totals
-- Of the whole filtered set, one row a currency: currencies are never added up.
SELECT currency, count(*) AS payments, sum(total)::bigint AS total,
       count(*) FILTER (WHERE state = 'collected') AS collected_payments,
       coalesce(sum(total) FILTER (WHERE state = 'collected'), 0)::bigint AS collected
FROM console.matching_payment($1, $2, $3, $4, $5, $6, $7, $8, $9)
GROUP BY currency ORDER BY currency

-- name: payment_file
SELECT p.id, p.created_at, p.state_at, p.control_number, p.agency, p.service, p.currency, p.principal,
       p.stamp, p.penalty, p.service_fee, p.agency_fee, p.total, p.wallet, p.channel, p.state, p.reason,
       receipt.number AS receipt_number, receipt.issued_at AS receipt_at, collection.reference
FROM console.matching_payment($1, $2, $3, $4, $5, $6, $7, $8, $9) p
LEFT JOIN payments.receipt ON receipt.payment_id = p.id
LEFT JOIN wallets.collection ON collection.id = p.collection_id
ORDER BY p.created_at DESC, p.id LIMIT $10

-- name: late_money_of_payment
SELECT id, kind, amount, currency, wallet, state, opened_at, ledger_transaction, evidence_id
FROM payments.late_money WHERE payment_id = $1 ORDER BY opened_at

-- name: late_money_rows
-- Oldest first: what waits longest comes first.
SELECT m.id, m.payment_id, m.kind, m.amount, m.currency, m.wallet, m.state, m.opened_at,
       m.ledger_transaction, p.control_number, p.agency, p.service, p.state AS payment_state
FROM payments.late_money m JOIN payments.payment p ON p.id = m.payment_id
WHERE ($1::text[] IS NULL OR m.state = ANY ($1)) AND ($2::text IS NULL OR m.kind = $2)
ORDER BY m.opened_at, m.id LIMIT $3 OFFSET $4

-- name: late_money_totals
SELECT currency, count(*) AS cases, sum(amount)::bigint AS amount
FROM payments.late_money
WHERE ($1::text[] IS NULL OR state = ANY ($1)) AND ($2::text IS NULL OR kind = $2)
GROUP BY currency ORDER BY currency

-- name: payments_today
SELECT state, currency, count(*) AS payments, sum(total)::bigint AS total
FROM payments.payment WHERE created_at >= $1
GROUP BY state, currency ORDER BY currency

-- name: payments_standing
-- Everything in some states, whenever it began, with the oldest.
SELECT state, currency, count(*) AS payments, sum(total)::bigint AS total, min(created_at) AS oldest
FROM payments.payment WHERE state = ANY ($1::text[])
GROUP BY state, currency ORDER BY currency

-- name: late_money_standing
SELECT currency, count(*) AS payments, sum(amount)::bigint AS total, min(opened_at) AS oldest
FROM payments.late_money WHERE state = 'open'
GROUP BY currency ORDER BY currency

-- name: work_counts
SELECT count(*) FILTER (WHERE parked_at IS NOT NULL) AS parked,
       count(*) FILTER (WHERE parked_at IS NULL AND due_at < $1::timestamptz - interval '1 minute') AS overdue,
       count(*) AS total
FROM kernel.work

-- name: work_rows
SELECT id, kind, key, due_at, attempts, leased_until, parked_at, last_error, created_at,
       count(*) OVER () AS total
FROM kernel.work WHERE NOT $1::boolean OR parked_at IS NOT NULL
ORDER BY parked_at IS NULL, due_at, id LIMIT $2 OFFSET $3

-- name: catalogue_names
SELECT code AS agency, NULL AS service, names, short_names, country FROM fees.agency
UNION ALL
SELECT service.agency, service.code, service.names, service.short_names, agency.country
FROM fees.service JOIN fees.agency ON agency.code = service.agency
ORDER BY country, agency, service NULLS FIRST

-- name: halt_reasons
SELECT reason, halted_at FROM payments.halt ORDER BY halted_at

-- name: proof_of_entry
-- Late or duplicate money: the evidence that opened the case with this entry.
SELECT evidence_id FROM payments.late_money WHERE payment_id = $1 AND ledger_transaction = $2

-- name: proof_of_payment
-- What the operator had said when the payment was collected.
SELECT evidence_id FROM payments.transition
WHERE payment_id = $1 AND to_state = 'collected' AND evidence_id IS NOT NULL ORDER BY n LIMIT 1
