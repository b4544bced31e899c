-- How far dialogues came, by day, channel, service and language: the stages up to the yes as they were counted,
-- what came of it from the payments themselves. A parameter that is null drops out of the plan.
CREATE FUNCTION console.usage(
    first date, last date, zone text, channel text, service text, language text
) RETURNS TABLE (
    day date, channel text, service text, language text,
    opened bigint, priced bigint, confirmed bigint, collected bigint, receipted bigint
) LANGUAGE sql STABLE AS $$
    SELECT s.day, s.channel, s.service, s.language, s.opened, s.priced, s.confirmed, 0::bigint, 0::bigint
    FROM ussd.step s
    WHERE s.opened + s.priced + s.confirmed > 0
      AND ($1 IS NULL OR s.day >= $1) AND ($2 IS NULL OR s.day <= $2)
      AND ($4 IS NULL OR s.channel = $4) AND ($5 IS NULL OR s.service = $5) AND ($6 IS NULL OR s.language = $6)
    UNION ALL
    SELECT (p.created_at AT TIME ZONE $3)::date, p.channel, p.agency || '/' || p.service, p.language, 0, 0, 0,
           (p.state = 'collected')::int, (receipt.number IS NOT NULL)::int
    FROM payments.payment p LEFT JOIN payments.receipt ON receipt.payment_id = p.id
    WHERE p.began_at IS NOT NULL AND p.state = 'collected'
      AND ($1 IS NULL OR p.created_at >= $1::timestamp AT TIME ZONE $3)
      AND ($2 IS NULL OR p.created_at < ($2 + 1)::timestamp AT TIME ZONE $3)
      AND ($4 IS NULL OR p.channel = $4) AND ($5 IS NULL OR p.agency || '/' || p.service = $5)
      AND ($6 IS NULL OR p.language = $6)
$$;
