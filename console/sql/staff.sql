-- name: add_staff
-- No row: the name is taken.
INSERT INTO console.staff (id, name, role, password_hash, created_at, password_set_at, agency)
VALUES ($1, $2, $3, $4, $5, $5, $6)
ON CONFLICT (name) DO NOTHING
RETURNING id

-- name: has_agency
SELECT EXISTS (SELECT FROM fees.agency WHERE code = $1)

-- name: has_staff
SELECT EXISTS (SELECT FROM console.staff)

-- name: staff_list
SELECT id, name, role, agency, created_at, signed_in_at, disabled_at FROM console.staff ORDER BY name

-- name: staff_by_name
SELECT id, name, role, password_hash, disabled_at FROM console.staff WHERE name = $1

-- name: staff_by_id
SELECT id, name, role, password_hash, disabled_at FROM console.staff WHERE id = $1

-- name: set_password
UPDATE console.staff SET password_hash = $2, password_set_at = $3 WHERE id = $1

-- name: rehash_password
UPDATE console.staff SET password_hash = $2 WHERE id = $1

-- name: disable_staff
-- Sessions end with it, at once.
WITH ended AS (
    DELETE FROM console.session USING console.staff
    WHERE session.staff_id = staff.id AND staff.name = $1
)
UPDATE console.staff SET disabled_at = $2 WHERE name = $1 AND disabled_at IS NULL
RETURNING id

-- name: enable_staff
UPDATE console.staff SET disabled_at = NULL WHERE name = $1 AND disabled_at IS NOT NULL
RETURNING id

-- name: mark_signed_in
UPDATE console.staff SET signed_in_at = $2 WHERE id = $1 RETURNING language
