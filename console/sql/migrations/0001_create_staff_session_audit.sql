CREATE SCHEMA IF NOT EXISTS console;

CREATE TABLE console.staff (
    id              uuid PRIMARY KEY,
    name            text NOT NULL UNIQUE CHECK (name ~ '^[a-z][a-z0-9._-]{1,39}$'),
    role            text NOT NULL CHECK (role IN ('viewer', 'finance', 'auditor', 'admin')),
    password_hash   text NOT NULL,
    language        text NOT NULL DEFAULT 'ar',
    created_at      timestamptz NOT NULL,
    password_set_at timestamptz NOT NULL,
    signed_in_at    timestamptz,
    disabled_at     timestamptz
);

-- The token itself is only in the browser: who reads this table cannot use it.
CREATE TABLE console.session (
    token_digest  bytea PRIMARY KEY CHECK (octet_length(token_digest) = 32),
    staff_id      uuid NOT NULL REFERENCES console.staff ON DELETE CASCADE,
    language      text NOT NULL,
    created_at    timestamptz NOT NULL,
    seen_at       timestamptz NOT NULL,
    search_handle text,                  -- names the last number searched for, in this session only
    search_payer  bytea                  -- its pseudonym
);
CREATE INDEX session_staff ON console.session (staff_id);
CREATE INDEX session_seen ON console.session (seen_at);

-- Failed sign-ins by name, whether or not anybody has that name, so that a lock tells nothing.
CREATE TABLE console.sign_in_failure (
    name_digest  bytea PRIMARY KEY CHECK (octet_length(name_digest) = 32),
    failures     int NOT NULL,
    failed_at    timestamptz NOT NULL,
    locked_until timestamptz
);
CREATE INDEX sign_in_failure_age ON console.sign_in_failure (failed_at);

-- Who did what, when, why. Append-only.
CREATE TABLE console.audit (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at         timestamptz NOT NULL,
    staff_id   uuid REFERENCES console.staff,
    staff_name text NOT NULL,
    action     text NOT NULL,
    subject    text NOT NULL DEFAULT '',
    reason     text NOT NULL DEFAULT '',
    address    text NOT NULL DEFAULT ''
);
CREATE INDEX audit_subject ON console.audit (subject, id);
CREATE INDEX audit_staff ON console.audit (staff_name, id);
CREATE INDEX audit_action ON console.audit (action, id);

CREATE FUNCTION console.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '%.% is append-only', TG_TABLE_SCHEMA, TG_TABLE_NAME USING ERRCODE = 'check_violation';
END $$;
CREATE TRIGGER audit_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON console.audit
    FOR EACH STATEMENT EXECUTE FUNCTION console.refuse_change();
