-- name: agencies
-- Agencies of a country, or of all, in the order of the menu.
SELECT code AS agency, country, number AS agency_number, names AS agency_names,
       short_names AS agency_short_names, zone, currency AS agency_currency
FROM fees.agency WHERE $1::text IS NULL OR country = $1 ORDER BY country, number

-- name: is_served
SELECT EXISTS (SELECT FROM fees.agency WHERE country = $1)

-- name: services
SELECT * FROM fees.offer WHERE agency = $1 ORDER BY service_number

-- name: offered
SELECT * FROM fees.offer WHERE agency = $1 AND service = $2

-- name: terms
-- For each pair of agency and service: the service, and the tariff in force on a day ($3), or on the day
-- that a moment ($4) is where the agency is. No row: no such agency. No service or tariff: nulls.
SELECT asked.agency AS asked_agency, asked.service AS asked_service, offer.*, tariff.*
FROM unnest($1::text[], $2::text[]) AS asked (agency, service)
JOIN fees.agency ON fees.agency.code = asked.agency
LEFT JOIN fees.offer ON offer.agency = asked.agency AND offer.service = asked.service
LEFT JOIN LATERAL (
    SELECT t.effective_from, t.amount_minor, t.band_minor, t.minimum_minor, t.maximum_minor, t.max_quantity,
           t.stamp_minor, t.service_fee_minor, t.fee_borne_by, t.late_day_minor, t.late_cap_minor,
           t.due_days, t.expire_days
    FROM fees.tariff t
    WHERE t.agency = asked.agency AND t.service = asked.service
      AND t.effective_from <= COALESCE($3::date, ($4::timestamptz AT TIME ZONE fees.agency.zone)::date)
    ORDER BY t.effective_from DESC LIMIT 1
) AS tariff ON true

-- name: claim_catalogue
-- The first caller loads it; anybody else finds it claimed.
INSERT INTO fees.catalogue_load (name, loaded_at) VALUES ($1, $2) ON CONFLICT DO NOTHING RETURNING true

-- name: insert_agency
INSERT INTO fees.agency (code, country, number, names, short_names, zone, currency)
VALUES ($1, $2, $3, $4, $5, $6, $7)

-- name: insert_service
INSERT INTO fees.service
    (agency, code, number, names, short_names, currency, category, asks, bands)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)

-- name: insert_tariff
INSERT INTO fees.tariff
    (agency, service, effective_from, amount_minor, band_minor, minimum_minor, maximum_minor, max_quantity,
     stamp_minor, service_fee_minor, fee_borne_by, late_day_minor, late_cap_minor, due_days, expire_days)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)

-- name: services_of_country
-- Everything that a country's agencies offer (all countries: null), in the order of the menus.
SELECT * FROM fees.offer WHERE $1::text IS NULL OR country = $1
ORDER BY country, agency_number, service_number
