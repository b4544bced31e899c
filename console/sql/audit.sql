-- name: add_audit
INSERT INTO console.audit (at, staff_id, staff_name, action, subject, reason, address)
VALUES ($1, $2, $3, $4, $5, $6, $7)

-- name: audit_page
SELECT id, at, staff_name, action, subject, reason, address, count(*) OVER () AS total
FROM console.audit
WHERE ($1::text IS NULL OR staff_name = $1) AND ($2::text IS NULL OR action = $2)
ORDER BY id DESC LIMIT $3 OFFSET $4

-- name: audit_of_subject
SELECT at, staff_name, action, reason FROM console.audit WHERE subject = $1 ORDER BY id DESC LIMIT 100
