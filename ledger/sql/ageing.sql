-- name: days_of_account
-- What an account took in and gave back each day, up to and with a business date, latest day first.
SELECT business_date, sum(debits) AS debits, sum(credits) AS credits
FROM (
    SELECT business_date, debits, credits FROM ledger.balance WHERE account = $1 AND business_date <= $2
    UNION ALL
    SELECT business_date, debits, credits FROM ledger.unsealed_delta WHERE account = $1 AND business_date <= $2
) d
GROUP BY business_date ORDER BY business_date DESC

-- name: open_references
-- What is left of each payment on an account, up to and with a business date, oldest first; an entry that
-- belongs to no payment stands for itself.
SELECT e.reference, min(e.business_date) AS since, sum(e.signed) AS signed
FROM (
    SELECT batch, business_date FROM ledger.delta WHERE account = $1 AND business_date <= $2
    UNION ALL
    SELECT batch, business_date FROM ledger.unsealed_delta WHERE account = $1 AND business_date <= $2
) d
CROSS JOIN LATERAL (
    SELECT t.business_date, t.reference, t.seq,
           CASE WHEN p.debit = $1 THEN p.amount ELSE -p.amount END AS signed
    FROM ledger.posting p JOIN ledger.transaction t USING (seq)
    WHERE p.seq BETWEEN d.batch << 16 AND d.batch << 16 | 65535
      AND $1 IN (p.debit, p.credit) AND t.business_date = d.business_date
) e
GROUP BY e.reference, CASE WHEN e.reference IS NULL THEN e.seq END
HAVING sum(e.signed) <> 0
ORDER BY since, min(e.seq)
