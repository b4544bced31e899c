-- name: bills
-- Bills with their agencies and services; an open one whose time is over reads as expired.
SELECT bill.*, offer.*,
       CASE WHEN bill.state = 'open' AND bill.expires_at <= COALESCE($2::timestamptz, now())
            THEN 'expired' ELSE bill.state END AS state_now
FROM fees.bill JOIN fees.offer USING (agency, service) WHERE control_number = ANY ($1)

-- name: bills_by_reference
-- Bills that agencies named before, by pairs of agency and reference; states as of a moment ($3).
SELECT bill.*, offer.*,
       CASE WHEN bill.state = 'open' AND bill.expires_at <= $3 THEN 'expired' ELSE bill.state END AS state_now
FROM fees.bill JOIN fees.offer USING (agency, service)
WHERE (agency, reference) IN (SELECT * FROM unnest($1::text[], $2::text[]))

-- name: insert_bills
-- Those whose control number or reference is taken are left out; the caller sees which were written.
INSERT INTO fees.bill
    (control_number, agency, service, band, quantity, currency, principal_minor, stamp_minor,
     service_fee_minor, agency_fee_minor, late_day_minor, late_cap_minor, issued_at, due_on, expires_at,
     payer, reference, fingerprint)
SELECT * FROM unnest(
    $1::text[], $2::text[], $3::text[], $4::text[], $5::int[], $6::text[], $7::bigint[], $8::bigint[],
    $9::bigint[], $10::bigint[], $11::bigint[], $12::bigint[], $13::timestamptz[], $14::date[],
    $15::timestamptz[], $16::bytea[], $17::text[], $18::bytea[])
ON CONFLICT DO NOTHING RETURNING control_number

-- name: mark_paid
-- Those that are missing were paid by another, or cancelled.
WITH asked AS (
    SELECT bill.control_number, ours.payment, ours.at, bill.state = 'open' AS is_new
    FROM fees.bill JOIN unnest($1::text[], $2::uuid[], $3::timestamptz[]) AS ours (control_number, payment, at)
        USING (control_number)
    WHERE bill.state = 'open' OR bill.paid_by = ours.payment
    ORDER BY bill.control_number FOR UPDATE OF bill
), marked AS (
    UPDATE fees.bill SET state = 'paid', paid_by = asked.payment, paid_at = asked.at
    FROM asked WHERE bill.control_number = asked.control_number AND asked.is_new
)
SELECT payment, is_new FROM asked

-- name: cancel_bill
UPDATE fees.bill SET state = 'cancelled', cancelled_at = $2, cancelled_because = $3
WHERE control_number = $1 AND state = 'open' RETURNING true

-- name: demo_bills
-- Demo bills (referenced DEMO-country-number) that are open, the first of each country before the second.
SELECT control_number, country, service_names, currency,
       principal_minor + stamp_minor + service_fee_minor AS total_minor
FROM fees.bill JOIN fees.offer USING (agency, service)
WHERE reference ^@ 'DEMO-' AND state = 'open'
ORDER BY split_part(reference, '-', 3), country

-- name: claim_bill_file
-- The first import of a file's bytes takes it; a second one waits for that to commit, then finds it taken.
INSERT INTO fees.bill_file (sha256, name, imported_at, outcome) VALUES ($1, $2, $3, '{}')
ON CONFLICT DO NOTHING RETURNING true

-- name: keep_bill_file_outcome
UPDATE fees.bill_file SET outcome = $2 WHERE sha256 = $1

-- name: release_bill_file
DELETE FROM fees.bill_file WHERE sha256 = $1

-- name: bill_file
SELECT name, imported_at, outcome FROM fees.bill_file WHERE sha256 = $1

-- name: bills_of_payer
-- What a subscriber was billed for and can still pay, the most urgent first.
SELECT bill.*, offer.*, 'open' AS state_now
FROM fees.bill JOIN fees.offer USING (agency, service)
WHERE payer = $1 AND state = 'open' AND (expires_at IS NULL OR expires_at > $2)
ORDER BY due_on, issued_at LIMIT $3
