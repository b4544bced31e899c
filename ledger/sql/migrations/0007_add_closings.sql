-- Closing: business dates up to a lock date are shut. What arrives for them later is booked on the first
-- open day and keeps when it occurred (ledger.submit_v2). Closings and reopenings are only ever added; the
-- lock date is that of the last closing that was not reopened.

CREATE TABLE ledger.closing (
    number    int PRIMARY KEY,
    kind      text NOT NULL CHECK (kind IN ('day', 'month')),
    until     date NOT NULL,                           -- the last day that is shut
    closed_at timestamptz NOT NULL,
    closed_by text NOT NULL CHECK (closed_by <> ''),
    checks    jsonb NOT NULL,                          -- the checklist: [{name, findings, accepted}]
    position  bigint NOT NULL,                         -- where the sealed journal ended
    snapshot  text NOT NULL,                           -- what is closed and the balances of that day
    hash      bytea NOT NULL,                          -- SHA-256 of the snapshot
    replaces  int REFERENCES ledger.closing,           -- the reopened closing that this one does again
    CHECK (kind = 'day' OR extract(day FROM until + 1) = 1),
    CHECK (NOT checks @? '$[*] ? (@.findings.size() > 0 && @.accepted == "")')
);

-- Two people reopen: one asks and says why, another one agrees.
CREATE TABLE ledger.reopening_request (
    number       int PRIMARY KEY,
    closing      int NOT NULL REFERENCES ledger.closing,
    requested_at timestamptz NOT NULL,
    requested_by text NOT NULL CHECK (requested_by <> ''),
    reason       text NOT NULL CHECK (reason <> '')
);
CREATE TABLE ledger.reopening (
    closing     int PRIMARY KEY REFERENCES ledger.closing,
    request     int NOT NULL UNIQUE REFERENCES ledger.reopening_request,
    approved_at timestamptz NOT NULL,
    approved_by text NOT NULL CHECK (approved_by <> '')
);

DO $$
DECLARE name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['closing', 'reopening_request', 'reopening'] LOOP
        EXECUTE format('CREATE TRIGGER %I BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger.%I
                        FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse_change()', name || '_only_grows', name);
    END LOOP;
END $$;

-- The closings that stand; the one with the highest number holds the lock date.
CREATE VIEW ledger.standing_closing AS
SELECT * FROM ledger.closing c WHERE NOT EXISTS (SELECT FROM ledger.reopening r WHERE r.closing = c.number);

-- The first business date that is open; null: all are. Every submit asks, so its plan is kept (plpgsql).
CREATE OR REPLACE FUNCTION ledger.open_from() RETURNS date LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN (SELECT c.until + 1 FROM ledger.standing_closing c ORDER BY c.number DESC LIMIT 1);
END $$;

-- Debits, credits and balance of every account up to and with a business date, in minor units: a line
-- for each account that was ever touched, by path. The same text for the same books.
CREATE FUNCTION ledger.balances_v1(day date) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT COALESCE(string_agg(
        format(E'%s %s %s %s\n', b.path, b.debits, b.credits, b.debits - b.credits), '' ORDER BY b.path), '')
    FROM (
        SELECT a.path, sum(s.debits) AS debits, sum(s.credits) AS credits
        FROM (
            SELECT t.account, t.debits, t.credits, t.postings FROM ledger.total t
            UNION ALL
            SELECT d.account, -d.debits, -d.credits, -d.postings FROM ledger.balance d WHERE d.business_date > day
            UNION ALL
            SELECT u.account, u.debits, u.credits, u.postings FROM ledger.unsealed_delta u
            WHERE u.business_date <= day
        ) s
        JOIN ledger.account a ON a.id = s.account
        GROUP BY a.path
        HAVING sum(s.postings) <> 0
    ) b
$$;

-- Why a day cannot be closed now, the checklist aside: not_over | already_closed; null: it can. A month can
-- still be closed when its last day is.
CREATE FUNCTION ledger.cannot_close(kind text, until date, latest date) RETURNS text LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp AS $$
    SELECT CASE WHEN $2 > $3 THEN 'not_over' ELSE (
        SELECT CASE WHEN $2 < last.until OR $2 = last.until AND NOT ($1 = 'month' AND last.kind = 'day')
                    THEN 'already_closed' END
        FROM ledger.standing_closing last ORDER BY last.number DESC LIMIT 1
    ) END
$$;

-- Close up to a day. The caller holds ledger.closing's lock and has gone through the checklist.
-- outcome: closed | not_over | already_closed.
CREATE FUNCTION ledger.close_v1(
    kind text, until date, latest date, closed_at timestamptz, closed_by text, checks jsonb
) RETURNS TABLE (outcome text, number int) LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
    last   int;
    made   int;
    sealed bigint;
    lines  text;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('ledger.closing'));
    outcome := ledger.cannot_close(close_v1.kind, close_v1.until, close_v1.latest);
    IF outcome IS NOT NULL THEN
        RETURN NEXT;
        RETURN;
    END IF;
    last := COALESCE((SELECT max(c.number) FROM ledger.standing_closing c), 0);
    made := COALESCE((SELECT max(c.number) FROM ledger.closing c), 0) + 1;
    sealed := COALESCE((SELECT b.position + b.transactions - 1 FROM ledger.batch b
                        ORDER BY b.position DESC LIMIT 1), 0);
    lines := format(E'mizan-closing-v1\nnumber %s\n%s until %s\nposition %s\n\n', made, close_v1.kind,
                    to_char(close_v1.until, 'YYYY-MM-DD'), sealed) || ledger.balances_v1(close_v1.until);
    INSERT INTO ledger.closing (number, kind, until, closed_at, closed_by, checks, position, snapshot, hash, replaces)
    VALUES (made, close_v1.kind, close_v1.until, close_v1.closed_at, close_v1.closed_by, close_v1.checks, sealed,
            lines, sha256(convert_to(lines, 'UTF8')),
            -- Whatever is behind the last one that stands was reopened.
            (SELECT max(c.number) FROM ledger.closing c
             WHERE c.number > last AND c.until <= close_v1.until));
    RETURN QUERY SELECT 'closed', made;
END $$;

-- Ask to reopen the last closing. outcome: requested | nothing_closed.
CREATE FUNCTION ledger.request_reopening_v1(requested_at timestamptz, requested_by text, reason text)
RETURNS TABLE (outcome text, number int) LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
    last int;
    made int;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('ledger.closing'));
    last := (SELECT max(c.number) FROM ledger.standing_closing c);
    IF last IS NULL THEN
        RETURN QUERY SELECT 'nothing_closed', NULL::int;
        RETURN;
    END IF;
    made := COALESCE((SELECT max(r.number) FROM ledger.reopening_request r), 0) + 1;
    INSERT INTO ledger.reopening_request (number, closing, requested_at, requested_by, reason)
    VALUES (made, last, request_reopening_v1.requested_at, request_reopening_v1.requested_by,
            request_reopening_v1.reason);
    RETURN QUERY SELECT 'requested', made;
END $$;

-- Agree to a request: the lock date goes back to the closing before.
-- outcome: reopened | no_request | same_person | superseded (the closing is not the last one any more).
CREATE FUNCTION ledger.approve_reopening_v1(request int, approved_at timestamptz, approved_by text)
RETURNS TABLE (outcome text, number int) LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
    asked ledger.reopening_request;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('ledger.closing'));
    SELECT * INTO asked FROM ledger.reopening_request r WHERE r.number = approve_reopening_v1.request;
    RETURN QUERY SELECT CASE
        WHEN asked.number IS NULL THEN 'no_request'
        WHEN lower(btrim(asked.requested_by)) = lower(btrim(approve_reopening_v1.approved_by)) THEN 'same_person'
        WHEN asked.closing IS DISTINCT FROM (SELECT max(c.number) FROM ledger.standing_closing c) THEN 'superseded'
        ELSE 'reopened'
    END, asked.closing;
    INSERT INTO ledger.reopening (closing, request, approved_at, approved_by)
    SELECT asked.closing, asked.number, approve_reopening_v1.approved_at, approve_reopening_v1.approved_by
    WHERE lower(btrim(asked.requested_by)) <> lower(btrim(approve_reopening_v1.approved_by))
      AND asked.closing = (SELECT max(c.number) FROM ledger.standing_closing c);
END $$;
