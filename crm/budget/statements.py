"""The statements of the shared budget: each takes one round trip and one row lock, by the database's clock alone."""

from sqlalchemy import text

from crm.budget.limits import DAILY_RESERVE

# A call is granted unless the limit-th call before it is still within the span. PostgreSQL evaluates the condition
# again when it had to wait for the row lock; a row that looks full without the lock is full. A grant in the future (the
# database's clock was set back) is ignored. While the daily calls are low, only a probing process gets a call; the
# report of low daily calls is valid for 24 hours, by which time the next day has begun.
ACQUIRE = text(f"""
WITH low AS (
    SELECT remaining, limit_calls FROM rate_budgets
    WHERE policy = 'daily' AND remaining < limit_calls * {DAILY_RESERVE}
      AND observed_at > clock_timestamp() - interval '24 hours'
), taken AS (
    UPDATE rate_budgets SET granted = clock_timestamp() || granted[1 : limit_calls - 1]
    WHERE policy = :policy
      AND (CAST(:probing AS boolean) OR NOT EXISTS (SELECT FROM low))
      AND coalesce(blocked_until <= clock_timestamp(), true)
      AND coalesce(granted[limit_calls] NOT BETWEEN clock_timestamp() - span * CAST(:span_factor AS float8)
                                            AND clock_timestamp(), true)
    RETURNING policy
)
SELECT EXISTS (SELECT FROM taken) AS granted,
       (SELECT remaining FROM low) AS low_remaining,
       (SELECT limit_calls FROM low) AS daily_limit,
       b.limit_calls, b.span,
       extract(epoch FROM greatest(b.blocked_until, b.granted[b.limit_calls] + b.span * CAST(:span_factor AS float8))
                          - clock_timestamp())::float8 AS wait_seconds
FROM rate_budgets AS b WHERE b.policy = :policy
""")  # noqa: S608 - a constant of ours

# An existing row keeps its grants.
STORE_LIMIT = text("""
INSERT INTO rate_budgets (policy, limit_calls, span) VALUES (:policy, :limit_calls, :span)
ON CONFLICT (policy) DO UPDATE SET limit_calls = excluded.limit_calls, span = excluded.span
WHERE (rate_budgets.limit_calls, rate_budgets.span) IS DISTINCT FROM (excluded.limit_calls, excluded.span)
""")

# The latest observation wins, whichever process made it.
STORE_DAILY = text("""
INSERT INTO rate_budgets (policy, limit_calls, span, remaining, observed_at)
VALUES ('daily', :limit_calls, interval '1 day', :remaining,
        clock_timestamp() - make_interval(secs => :age_seconds))
ON CONFLICT (policy) DO UPDATE SET limit_calls = excluded.limit_calls, remaining = excluded.remaining,
    observed_at = excluded.observed_at
WHERE coalesce(rate_budgets.observed_at < excluded.observed_at, true)
""")

# HubSpot reports that no calls remain. The limit itself was stored from an earlier response, or the next one reports
# it.
STORE_DAILY_USED_UP = text("""
INSERT INTO rate_budgets (policy, limit_calls, span, remaining, observed_at, blocked_until)
VALUES ('daily', 1, interval '1 day', 0, clock_timestamp(), clock_timestamp() + make_interval(secs => :seconds))
ON CONFLICT (policy) DO UPDATE SET remaining = 0, observed_at = excluded.observed_at,
    blocked_until = excluded.blocked_until
""")

# Returns a row to the one process that may make a probing call now; the next process may do so after that many seconds.
CLAIM_PROBE = text("""
UPDATE rate_budgets SET blocked_until = clock_timestamp() + make_interval(secs => :seconds)
WHERE policy = 'daily' AND coalesce(blocked_until <= clock_timestamp(), true)
RETURNING policy
""")

BLOCK = text("""
UPDATE rate_budgets
SET blocked_until = greatest(blocked_until, clock_timestamp() + make_interval(secs => :seconds))
WHERE policy = :policy
""")
