-- name: payment_for_update
-- One payment, locked: whatever moves it waits here.
SELECT * FROM payments.payment WHERE id = $1 FOR UPDATE

-- name: payment_of_collection
SELECT id FROM payments.payment WHERE collection_id = $1

-- name: halted
-- Why new debits are stopped, if they are.
SELECT reason FROM payments.halt ORDER BY halted_at LIMIT 1

-- name: halt_debits
INSERT INTO payments.halt (reason, halted_at) VALUES ($1, $2) ON CONFLICT DO NOTHING

-- name: resume_debits
DELETE FROM payments.halt

-- name: open_payment_of_bill
-- The payment that holds a bill now.
SELECT id, state, created_at FROM payments.payment
WHERE control_number = $1 AND state IN ('created', 'sent', 'pending', 'unknown', 'review')

-- name: insert_payment
-- The bill lock and the id decide: no row means that another payment holds the bill, or this one exists.
INSERT INTO payments.payment (
    id, control_number, agency, service, zone, currency, principal, stamp, penalty, service_fee, agency_fee,
    total, payer, wallet, channel, language, created_at, state_at, collection_id, by_payer, began_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $17, $18, $19, $20)
ON CONFLICT DO NOTHING
RETURNING id

-- name: started_payment
-- What an earlier start with the same id made.
SELECT control_number, payer FROM payments.payment WHERE id = $1

-- name: move_payment
-- Follow one edge and write it down, in one statement.
WITH moved AS (
    UPDATE payments.payment SET state = $3, state_at = $5, reason = COALESCE($8, reason) WHERE id = $1
)
INSERT INTO payments.transition (payment_id, n, from_state, to_state, event, at, evidence_id, detail)
SELECT $1, count(*) + 1, $2, $3, $4, $5, $6, $7 FROM payments.transition WHERE payment_id = $1

-- name: insert_first_transition
INSERT INTO payments.transition (payment_id, n, to_state, event, at) VALUES ($1, 1, $2, $3, $4)

-- name: insert_receipt
-- No row: the number or the code is taken; draw another number.
INSERT INTO payments.receipt (number, code, payment_id, issued_at, amount, currency)
VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING RETURNING number

-- name: collection_of_receipt
-- The collection that paid for the receipt of this number or code.
SELECT payment.collection_id
FROM payments.receipt JOIN payments.payment ON payment.id = receipt.payment_id
WHERE $1 IN (receipt.number, receipt.code)

-- name: insert_late_money
INSERT INTO payments.late_money (
    id, payment_id, collection_id, kind, amount, currency, wallet, opened_at, ledger_transaction, evidence_id)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
ON CONFLICT (collection_id) DO NOTHING RETURNING id

-- name: receipt_by_code
SELECT receipt.number, receipt.code, receipt.amount, receipt.currency, receipt.issued_at,
       payment.agency, payment.service, payment.control_number,
       agency.names AS agency_names, service.names AS service_names, agency.zone
FROM payments.receipt
JOIN payments.payment ON payment.id = receipt.payment_id
JOIN fees.agency ON agency.code = payment.agency
JOIN fees.service ON service.agency = payment.agency AND service.code = payment.service
WHERE receipt.code = $1

-- name: payments_of_payer
-- The newest payments of a subscriber.
SELECT payment.id, payment.state, payment.total, payment.currency, payment.created_at,
       payment.control_number, payment.reason, receipt.number AS receipt_number,
       receipt.code AS receipt_code, agency.names AS agency_names, service.names AS service_names,
       agency.short_names AS agency_short_names, service.short_names AS service_short_names,
       payment.zone,
       EXISTS (SELECT FROM payments.late_money
               WHERE payment_id = payment.id AND state = 'open') AS is_held,
       EXISTS (SELECT FROM payments.rating WHERE payment_id = payment.id) AS is_rated
FROM payments.payment
LEFT JOIN payments.receipt ON receipt.payment_id = payment.id
JOIN fees.agency ON agency.code = payment.agency
JOIN fees.service ON service.agency = payment.agency AND service.code = payment.service
WHERE payment.payer = $1
ORDER BY payment.created_at DESC LIMIT $2

-- name: payment_detail
SELECT payment.*, receipt.number AS receipt_number, receipt.code AS receipt_code,
       receipt.issued_at AS receipt_issued_at,
       agency.names AS agency_names, service.names AS service_names,
       agency.short_names AS agency_short_names, service.short_names AS service_short_names,
       EXISTS (SELECT FROM payments.late_money
               WHERE payment_id = payment.id AND state = 'open') AS is_held,
       EXISTS (SELECT FROM payments.rating WHERE payment_id = payment.id) AS is_rated
FROM payments.payment
LEFT JOIN payments.receipt ON receipt.payment_id = payment.id
JOIN fees.agency ON agency.code = payment.agency
JOIN fees.service ON service.agency = payment.agency AND service.code = payment.service
WHERE payment.id = $1

-- name: payments_of_bill
SELECT id FROM payments.payment WHERE control_number = $1 ORDER BY created_at DESC LIMIT $2

-- name: transitions_of
SELECT n, from_state, to_state, event, at, evidence_id, detail
FROM payments.transition WHERE payment_id = $1 ORDER BY n

-- name: waiting_for_a_person
-- Payments nobody knows about, money held, work given up.
SELECT 'review' AS what, id::text, state_at AS since, wallet || ' ' || control_number AS detail
FROM payments.payment WHERE state = 'review'
UNION ALL
SELECT 'late', payment_id::text, opened_at, kind || ' ' || wallet FROM payments.late_money WHERE state = 'open'
UNION ALL
SELECT 'work', id::text, parked_at, kind || ' ' || COALESCE(last_error, '')
FROM kernel.work WHERE parked_at IS NOT NULL
ORDER BY since

-- name: retry_parked
UPDATE kernel.work SET parked_at = NULL, due_at = now(), attempts = 0
WHERE id = $1 AND parked_at IS NOT NULL RETURNING kind
