-- name: lock_payments
-- Whatever else moves one of them waits here, in the order of ids.
SELECT id FROM payments.payment WHERE id = ANY ($1) ORDER BY id FOR UPDATE

-- name: lock_free_payments
-- Those that nobody has locked.
SELECT id FROM payments.payment WHERE id = ANY ($1) ORDER BY id FOR UPDATE SKIP LOCKED

-- name: payments_there
SELECT id FROM payments.payment WHERE id = ANY ($1)

-- name: locked_payments
-- All that decides how they go on; asked after the lock was had.
SELECT payment.*, subscriber.sealed_msisdn, collection.correlation, collection.reference, collection.queried_at,
       bill.state AS bill_state, bill.paid_by AS bill_paid_by,
       EXISTS (SELECT FROM payments.late_money WHERE collection_id = payment.collection_id) AS has_case
FROM payments.payment
JOIN wallets.collection ON collection.id = payment.collection_id
LEFT JOIN kernel.subscriber ON subscriber.pseudonym = payment.payer
LEFT JOIN fees.bill ON bill.control_number = payment.control_number
WHERE payment.id = ANY ($1)

-- name: payment_of_collection
SELECT id, wallet FROM payments.payment WHERE collection_id = $1

-- name: halted
-- Why new debits are stopped, if they are.
SELECT reason FROM payments.halt ORDER BY halted_at LIMIT 1

-- name: halt_debits
INSERT INTO payments.halt (reason, halted_at) VALUES ($1, $2) ON CONFLICT DO NOTHING

-- name: resume_debits
DELETE FROM payments.halt

-- name: open_payments_of_bills
-- The payments that hold bills now.
SELECT id, control_number, state, created_at FROM payments.payment
WHERE control_number = ANY ($1) AND state IN ('created', 'sent', 'pending', 'unknown', 'review')

-- name: insert_payments
-- The bill lock and the id decide: one that is not returned found its bill held, or itself there already.
-- With the first step of each.
WITH started AS (
    INSERT INTO payments.payment (
        id, control_number, agency, service, zone, currency, principal, stamp, penalty, service_fee, agency_fee,
        total, payer, wallet, channel, language, collection_id, by_payer, began_at, created_at, state_at)
    SELECT n.*, $1, $1
    FROM unnest($2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::bigint[], $9::bigint[],
                $10::bigint[], $11::bigint[], $12::bigint[], $13::bigint[], $14::bytea[], $15::text[], $16::text[],
                $17::text[], $18::uuid[], $19::boolean[], $20::timestamptz[]) AS n
    ON CONFLICT DO NOTHING
    RETURNING id, state, created_at
), step AS (
    INSERT INTO payments.transition (payment_id, n, to_state, event, at)
    SELECT id, 1, state, 'started', created_at FROM started
)
SELECT id FROM started

-- name: started_payments
-- What earlier starts with the same ids made.
SELECT id, control_number, payer FROM payments.payment WHERE id = ANY ($1)

-- name: move_payments
-- Follow edges, one of each payment, and write them down.
WITH step AS (
    SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::uuid[], $6::text[], $7::text[])
        AS s (id, from_state, to_state, event, evidence_id, detail, reason)
), moved AS (
    UPDATE payments.payment SET state = step.to_state, state_at = $8, reason = COALESCE(step.reason, payment.reason)
    FROM step WHERE payment.id = step.id
)
INSERT INTO payments.transition (payment_id, n, from_state, to_state, event, at, evidence_id, detail)
SELECT id, (SELECT count(*) + 1 FROM payments.transition WHERE payment_id = step.id),
       from_state, to_state, event, $8, evidence_id, detail
FROM step

-- name: insert_receipts
-- Those that are missing: the number or the code is taken; draw another number.
INSERT INTO payments.receipt (number, code, payment_id, issued_at, amount, currency)
SELECT number, code, payment_id, $6, amount, currency
FROM unnest($1::text[], $2::text[], $3::uuid[], $4::bigint[], $5::text[])
    AS r (number, code, payment_id, amount, currency)
ON CONFLICT DO NOTHING RETURNING payment_id, number

-- name: collection_of_receipt
-- The collection that paid for the receipt of this number or code.
SELECT payment.collection_id
FROM payments.receipt JOIN payments.payment ON payment.id = receipt.payment_id
WHERE $1 IN (receipt.number, receipt.code)

-- name: insert_late_money
INSERT INTO payments.late_money (
    id, payment_id, collection_id, kind, amount, currency, wallet, opened_at, ledger_transaction, evidence_id)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)

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
