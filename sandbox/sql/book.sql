-- name: wallet
SELECT msisdn, currency FROM wallet WHERE msisdn = :msisdn;

-- name: open_wallet
INSERT INTO wallet (msisdn, currency, at) VALUES (:msisdn, :currency, :at);

-- name: balance
-- What came in less what went out, in minor units.
SELECT coalesce((SELECT sum(minor) FROM movement WHERE credit = :account), 0)
     - coalesce((SELECT sum(minor) FROM movement WHERE debit = :account), 0);

-- name: insert_movement
INSERT INTO movement (at, kind, debit, credit, minor, currency, request, reference, original)
VALUES (:at, :kind, :debit, :credit, :minor, :currency, :request, :reference, :original);

-- name: movement_by_reference
SELECT * FROM movement WHERE reference = :reference;

-- name: reversed_minor
-- How much of a collection went back already.
SELECT coalesce(sum(minor), 0) FROM movement WHERE original = :reference;

-- name: insert_request
INSERT INTO request (id, correlation, at, kind, payer, payee, minor, currency, description, callback_url, echo,
                     behaviour, expires_at, original)
VALUES (:id, :correlation, :at, :kind, :payer, :payee, :minor, :currency, :description, :callback_url, :echo,
        :behaviour, :expires_at, :original)
ON CONFLICT (correlation) DO NOTHING;

-- name: request
SELECT * FROM request WHERE id = :id;

-- name: request_by_correlation
SELECT * FROM request WHERE correlation = :correlation;

-- name: request_by_reference
SELECT request.* FROM request JOIN outcome ON outcome.request = request.id WHERE outcome.reference = :reference;

-- name: outcomes
SELECT * FROM outcome WHERE request = :request ORDER BY id;

-- name: outcome
SELECT * FROM outcome WHERE id = :id;

-- name: insert_outcome
INSERT INTO outcome (request, at, status, category, code, description, reference)
VALUES (:request, :at, :status, :category, :code, :description, :reference);

-- name: open_requests
-- Collections of one payer that nothing was decided about, oldest first.
SELECT * FROM request
WHERE payer = :payer AND kind = 'collection' AND expires_at > :now
  AND NOT EXISTS (SELECT 1 FROM outcome WHERE outcome.request = request.id)
ORDER BY rowid;

-- name: insert_query
INSERT INTO query (at, request, what, asked, answer) VALUES (:at, :request, :what, :asked, :answer);

-- name: insert_callback
INSERT INTO callback (at, request, tell, attempt, body, http_status, problem)
VALUES (:at, :request, :tell, :attempt, :body, :http_status, :problem);

-- name: insert_errand
INSERT INTO errand (due_at, action, subject, detail) VALUES (:due_at, :action, :subject, :detail);

-- name: open_errand
SELECT * FROM errand WHERE id = :id AND NOT EXISTS (SELECT 1 FROM errand_done WHERE errand = errand.id);

-- name: open_errands
SELECT * FROM errand WHERE NOT EXISTS (SELECT 1 FROM errand_done WHERE errand = errand.id) ORDER BY due_at, id;

-- name: finish_errand
INSERT INTO errand_done (errand, at) VALUES (:errand, :at) ON CONFLICT DO NOTHING;

-- name: insert_sms
INSERT INTO sms (id, at, direction, sender, recipient, text, status_url)
VALUES (:id, :at, :direction, :sender, :recipient, :text, :status_url)
ON CONFLICT (id) DO NOTHING;

-- name: sms
SELECT * FROM sms WHERE id = :id;

-- name: insert_sms_report
INSERT INTO sms_report (at, sms, status, http_status, problem) VALUES (:at, :sms, :status, :http_status, :problem);

-- name: sms_of
-- Messages to and from one number (all numbers: NULL), newest first, each with the last status that was told.
SELECT sms.*, (SELECT status FROM sms_report WHERE sms = sms.id ORDER BY id DESC LIMIT 1) AS status
FROM sms
WHERE :msisdn IS NULL OR sender = :msisdn OR recipient = :msisdn
ORDER BY rowid DESC LIMIT :limit;

-- name: handset
SELECT msisdn FROM handset WHERE id = :id;

-- name: handset_of
SELECT id FROM handset WHERE msisdn = :msisdn;

-- name: insert_handset
INSERT INTO handset (id, msisdn, at) VALUES (:id, :msisdn, :at) ON CONFLICT (msisdn) DO NOTHING;
