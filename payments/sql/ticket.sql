-- name: lock_citizen
-- One ticket at a time: the limits below are then exact. Waits for the citizen's other hop, if any.
SELECT pg_advisory_xact_lock(hashtextextended(encode($1::bytea, 'hex'), 7))

-- name: same_ticket
-- What an earlier call with this id made, or the open ticket that asks the same.
SELECT number FROM payments.ticket
WHERE id = $1 OR (citizen = $2 AND control_number = $3 AND kind = $4 AND state = 'open')
LIMIT 1

-- name: tickets_since
SELECT count(*) FROM payments.ticket WHERE citizen = $1 AND opened_at > $2

-- name: insert_ticket
-- No row: the number is taken; draw another.
INSERT INTO payments.ticket (id, number, kind, reason, note, control_number, agency, service, citizen,
                             channel, language, opened_at, state_at)
SELECT $1, $2, $3, $4, $5, bill.control_number, bill.agency, bill.service, $7, $8, $9, $10, $10
FROM fees.bill WHERE bill.control_number = $6
ON CONFLICT (number) DO NOTHING RETURNING number

-- name: ticket
SELECT ticket.*, agency.names AS agency_names, agency.short_names AS agency_short_names,
       service.names AS service_names, service.short_names AS service_short_names, agency.zone
FROM payments.ticket
JOIN fees.agency ON agency.code = ticket.agency
JOIN fees.service ON service.agency = ticket.agency AND service.code = ticket.service
WHERE ticket.id = $1

-- name: tickets_of
SELECT ticket.*, agency.names AS agency_names, agency.short_names AS agency_short_names,
       service.names AS service_names, service.short_names AS service_short_names, agency.zone
FROM payments.ticket
JOIN fees.agency ON agency.code = ticket.agency
JOIN fees.service ON service.agency = ticket.agency AND service.code = ticket.service
WHERE ticket.citizen = $1 ORDER BY ticket.opened_at DESC LIMIT $2

-- name: end_ticket
-- Only an open ticket is answered or closed.
UPDATE payments.ticket SET state = $2, answer = $3, answered_by = $4, state_at = $5
WHERE id = $1 AND state = 'open' RETURNING number

-- name: insert_rating
-- Only by who paid, only for what was collected, only once.
INSERT INTO payments.rating (payment_id, agency, service, score, rated_at)
SELECT id, agency, service, $3, $4 FROM payments.payment
WHERE control_number = $1 AND payer = $2 AND state = 'collected'
ON CONFLICT DO NOTHING RETURNING payment_id

-- name: insert_beneficiary
INSERT INTO payments.beneficiary (payment_id, subscriber) VALUES ($1, $2)

-- name: beneficiary
SELECT beneficiary.subscriber, subscriber.language
FROM payments.beneficiary JOIN kernel.subscriber ON subscriber.pseudonym = beneficiary.subscriber
WHERE payment_id = $1

-- name: insert_receipt_copy
-- The next copy of a receipt, for who paid; no row: there is none, or three were asked for.
INSERT INTO payments.receipt_copy (payment_id, n, asked_at)
SELECT payment.id, (SELECT count(*) FROM payments.receipt_copy WHERE payment_id = payment.id) + 1, $3
FROM payments.payment JOIN payments.receipt ON receipt.payment_id = payment.id
WHERE payment.control_number = $1 AND payment.payer = $2
  AND (SELECT count(*) FROM payments.receipt_copy WHERE payment_id = payment.id) < 3
  AND (SELECT count(*) FROM payments.receipt_copy JOIN payments.payment AS other ON other.id = payment_id
       WHERE other.payer = $2 AND asked_at > $4) < 5
ON CONFLICT DO NOTHING RETURNING payment_id, n
