-- Turnovers of every account as of a position: the mark before it, the whole batches since, and the
-- postings of a batch that the position cuts in two.
CREATE FUNCTION ledger.sums_at(until bigint) RETURNS TABLE (account int, debits numeric, credits numeric)
LANGUAGE sql STABLE AS $$
    WITH start AS (
        SELECT COALESCE(max(m.position), 0) AS position FROM ledger.mark m WHERE m.position <= until
    ), cut AS (
        SELECT last.number, last.position
        FROM (SELECT * FROM ledger.batch b WHERE b.position <= until ORDER BY b.position DESC LIMIT 1) AS last
        WHERE last.position + last.transactions - 1 > until
    ), part AS (
        SELECT p.debit, p.credit, p.amount
        FROM (
            -- Bounds that do not depend on a join: read by the index from the first on.
            SELECT t.seq FROM ledger.transaction t
            WHERE t.seq BETWEEN (SELECT number FROM cut) << 16 AND (SELECT number FROM cut) << 16 | 65535
            ORDER BY t.seq LIMIT (SELECT until - cut.position + 1 FROM cut)
        ) t JOIN ledger.posting p USING (seq)
    )
    SELECT s.account, sum(s.debits), sum(s.credits)
    FROM (
        SELECT m.account, m.debits, m.credits FROM ledger.mark m JOIN start USING (position)
        UNION ALL
        SELECT d.account, d.debits, d.credits FROM ledger.delta d
        WHERE d.position > (SELECT position FROM start) AND d.position <= until
          AND d.position <> ALL (ARRAY(SELECT position FROM cut))
        UNION ALL
        SELECT debit, amount, 0 FROM part
        UNION ALL
        SELECT credit, 0, amount FROM part
    ) s
    GROUP BY s.account
$$;
