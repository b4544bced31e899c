-- name: create_book
-- The operator's own book. Every row is a fact with its time (ISO 8601, UTC); none is ever changed.
CREATE TABLE IF NOT EXISTS wallet (
    msisdn TEXT PRIMARY KEY, currency TEXT NOT NULL, at TEXT NOT NULL
) STRICT;

CREATE TABLE IF NOT EXISTS request (
    id TEXT PRIMARY KEY, correlation TEXT NOT NULL UNIQUE, at TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('collection', 'reversal')),
    payer TEXT NOT NULL, payee TEXT NOT NULL, minor INTEGER NOT NULL CHECK (minor > 0), currency TEXT NOT NULL,
    description TEXT NOT NULL, callback_url TEXT NOT NULL, echo TEXT NOT NULL, behaviour TEXT NOT NULL,
    expires_at TEXT NOT NULL, original TEXT
) STRICT;
CREATE INDEX IF NOT EXISTS request_payer ON request (payer, at);

CREATE TABLE IF NOT EXISTS outcome (
    id INTEGER PRIMARY KEY, request TEXT NOT NULL REFERENCES request, at TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('completed', 'failed')),
    category TEXT, code TEXT, description TEXT, reference TEXT UNIQUE,
    CHECK ((status = 'completed') = (reference IS NOT NULL)),
    CHECK ((status = 'failed') = (code IS NOT NULL))
) STRICT;
CREATE INDEX IF NOT EXISTS outcome_request ON outcome (request);

CREATE TABLE IF NOT EXISTS movement (
    id INTEGER PRIMARY KEY, at TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('opening', 'collection', 'reversal')),
    debit TEXT NOT NULL, credit TEXT NOT NULL, minor INTEGER NOT NULL CHECK (minor > 0), currency TEXT NOT NULL,
    request TEXT UNIQUE REFERENCES request, reference TEXT UNIQUE, original TEXT,
    CHECK ((kind = 'opening') = (request IS NULL)), CHECK (debit <> credit)
) STRICT;
CREATE INDEX IF NOT EXISTS movement_debit ON movement (debit);
CREATE INDEX IF NOT EXISTS movement_credit ON movement (credit);
CREATE INDEX IF NOT EXISTS movement_original ON movement (original);

CREATE TABLE IF NOT EXISTS query (
    id INTEGER PRIMARY KEY, at TEXT NOT NULL, request TEXT REFERENCES request,
    what TEXT NOT NULL, asked TEXT NOT NULL, answer TEXT NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS query_request ON query (request);

CREATE TABLE IF NOT EXISTS callback (
    id INTEGER PRIMARY KEY, at TEXT NOT NULL, request TEXT NOT NULL REFERENCES request,
    tell TEXT NOT NULL, attempt INTEGER NOT NULL, body BLOB NOT NULL, http_status INTEGER, problem TEXT
) STRICT;
CREATE INDEX IF NOT EXISTS callback_request ON callback (request);

CREATE TABLE IF NOT EXISTS sms (
    id TEXT PRIMARY KEY, at TEXT NOT NULL,
    direction TEXT NOT NULL CHECK (direction IN ('to_phone', 'from_phone')),
    sender TEXT NOT NULL, recipient TEXT NOT NULL, text TEXT NOT NULL, status_url TEXT NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS sms_sender ON sms (sender);
CREATE INDEX IF NOT EXISTS sms_recipient ON sms (recipient);

CREATE TABLE IF NOT EXISTS sms_report (
    id INTEGER PRIMARY KEY, at TEXT NOT NULL, sms TEXT NOT NULL REFERENCES sms,
    status TEXT NOT NULL, http_status INTEGER, problem TEXT
) STRICT;
CREATE INDEX IF NOT EXISTS sms_report_sms ON sms_report (sms);

CREATE TABLE IF NOT EXISTS handset (
    id TEXT PRIMARY KEY, msisdn TEXT NOT NULL UNIQUE, at TEXT NOT NULL
) STRICT;

CREATE TABLE IF NOT EXISTS errand (
    id INTEGER PRIMARY KEY, due_at TEXT NOT NULL, action TEXT NOT NULL, subject TEXT NOT NULL, detail TEXT NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS errand_done (
    errand INTEGER PRIMARY KEY REFERENCES errand, at TEXT NOT NULL
) STRICT;

CREATE TRIGGER IF NOT EXISTS outcome_completed_is_final BEFORE INSERT ON outcome
WHEN EXISTS (SELECT 1 FROM outcome WHERE request = NEW.request AND status = 'completed')
BEGIN SELECT RAISE(ABORT, 'a completed request stays completed'); END;

-- name: forbid_update
-- Text with the table's name to put in: SQLite has no trigger for several tables.
CREATE TRIGGER IF NOT EXISTS {table}_no_update BEFORE UPDATE ON {table}
BEGIN SELECT RAISE(ABORT, 'the book is append-only'); END;

-- name: forbid_delete
CREATE TRIGGER IF NOT EXISTS {table}_no_delete BEFORE DELETE ON {table}
BEGIN SELECT RAISE(ABORT, 'the book is append-only'); END;

-- name: tables
SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name;
