-- The filtered set of payments, one definition for the list, its totals and the download. A plain SQL function
-- of one SELECT is expanded into its caller, and a parameter that is null drops out of the plan.
CREATE FUNCTION console.matching_payment(
    since timestamptz, before timestamptz, states text[], agency text, service text, wallet text,
    currency text, ids uuid[], payer bytea
) RETURNS SETOF payments.payment LANGUAGE sql STABLE AS $$
    SELECT p.* FROM payments.payment p
    WHERE ($1 IS NULL OR p.created_at >= $1) AND ($2 IS NULL OR p.created_at < $2)
      AND ($3 IS NULL OR p.state = ANY ($3))
      AND ($4 IS NULL OR p.agency = $4) AND ($5 IS NULL OR p.service = $5)
      AND ($6 IS NULL OR p.wallet = $6) AND ($7 IS NULL OR p.currency = $7)
      AND ($8 IS NULL OR p.id = ANY ($8)) AND ($9 IS NULL OR p.payer = $9)
$$;
