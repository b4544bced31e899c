-- name: book_requests
-- Newest first; every filter may be NULL.
SELECT * FROM request
WHERE (:id IS NULL OR id = :id)
  AND (:correlation IS NULL OR correlation = :correlation)
  AND (:payer IS NULL OR payer = :payer)
  AND (:ends IS NULL OR substr(payer, -2) = :ends)
  AND (:since IS NULL OR at >= :since)
  AND (:reference IS NULL OR id IN (SELECT request FROM outcome WHERE outcome.reference = :reference))
ORDER BY rowid DESC LIMIT :limit;

-- name: book_outcomes
SELECT * FROM outcome WHERE request IN (SELECT value FROM json_each(:requests)) ORDER BY id;

-- name: book_movements
SELECT * FROM movement WHERE request IN (SELECT value FROM json_each(:requests)) ORDER BY id;

-- name: book_queries
SELECT * FROM query WHERE request IN (SELECT value FROM json_each(:requests)) ORDER BY id;

-- name: book_callbacks
SELECT * FROM callback WHERE request IN (SELECT value FROM json_each(:requests)) ORDER BY id;

-- name: book_unmatched_queries
-- Questions about ids that this operator never gave or saw.
SELECT * FROM query WHERE request IS NULL AND (:since IS NULL OR at >= :since) ORDER BY id DESC LIMIT :limit;

-- name: book_merchants
-- What each merchant holds: collections in, reversals out. The whole book, whatever the filters.
SELECT merchant, currency, sum(minor) AS minor, sum(minor > 0) AS collections, sum(minor < 0) AS reversals
FROM (SELECT credit AS merchant, currency, minor FROM movement WHERE kind = 'collection'
      UNION ALL SELECT debit, currency, -minor FROM movement WHERE kind = 'reversal')
GROUP BY merchant, currency ORDER BY merchant, currency;

-- name: book_totals
SELECT (SELECT count(*) FROM request) AS requests, (SELECT count(*) FROM movement) AS movements,
       (SELECT count(*) FROM query) AS queries, (SELECT count(*) FROM callback) AS callbacks,
       (SELECT count(*) FROM sms) AS messages,
       (SELECT count(*) FROM errand WHERE NOT EXISTS (SELECT 1 FROM errand_done WHERE errand = errand.id)) AS open_errands;
