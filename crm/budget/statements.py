"""The statements behind the shared budget: each is one round trip, one row lock, and the database's clock alone."""

from sqlalchemy import text

from crm.budget.limits import DAILY_RESERVE

# What was said about a day holds until the next one has surely begun.
LOW = f"""(policy = 'daily' AND remaining < limit_calls * {DAILY_RESERVE}
    AND observed_at > clock_timestamp() - interval '24 hours')"""

# Allowed unless the limit-th call before this one is still within the span. The row is looked at once more when its
# lock was waited for; a row that looks full without the lock is full. A grant in the future (the database's clock was
# set back) counts for nothing. With `daily` low, one process at a time may look (`probing`).
ASK = text(f"""
WITH low AS (
    SELECT remaining, limit_calls FROM rate_budgets WHERE {LOW}
), taken AS (
    UPDATE rate_budgets SET granted = clock_timestamp() || granted[1 : limit_calls - 1]
    WHERE policy = :policy
      AND (CAST(:probing AS boolean) OR NOT EXISTS (SELECT FROM low))
      AND coalesce(blocked_until <= clock_timestamp(), true)
      AND coalesce(granted[limit_calls] NOT BETWEEN clock_timestamp() - span * CAST(:patience AS float8)
                                            AND clock_timestamp(), true)
    RETURNING policy
)
SELECT EXISTS (SELECT FROM taken) AS granted,
       (SELECT remaining FROM low) AS low_remaining,
       (SELECT limit_calls FROM low) AS daily_limit,
       b.limit_calls, b.span,
       extract(epoch FROM greatest(b.blocked_until, b.granted[b.limit_calls] + b.span * CAST(:patience AS float8))
                          - clock_timestamp())::float8 AS wait_seconds
FROM rate_budgets AS b WHERE b.policy = :policy
""")  # noqa: S608 - a constant of ours

# A row that is there keeps its grants.
LIMIT = text("""
INSERT INTO rate_budgets (policy, limit_calls, span) VALUES (:policy, :limit_calls, :span)
ON CONFLICT (policy) DO UPDATE SET limit_calls = excluded.limit_calls, span = excluded.span
WHERE (rate_budgets.limit_calls, rate_budgets.span) IS DISTINCT FROM (excluded.limit_calls, excluded.span)
""")

# The youngest observation counts, whoever made it.
DAILY = text("""
INSERT INTO rate_budgets (policy, limit_calls, span, remaining, observed_at)
VALUES ('daily', :limit_calls, interval '1 day', :remaining,
        clock_timestamp() - make_interval(secs => :age_seconds))
ON CONFLICT (policy) DO UPDATE SET limit_calls = excluded.limit_calls, remaining = excluded.remaining,
    observed_at = excluded.observed_at
WHERE coalesce(rate_budgets.observed_at < excluded.observed_at, true)
""")

# HubSpot says that nothing is left. How much there was, an answer has told before, or the next one will.
DAILY_USED_UP = text("""
INSERT INTO rate_budgets (policy, limit_calls, span, remaining, observed_at, blocked_until)
VALUES ('daily', 1, interval '1 day', 0, clock_timestamp(), clock_timestamp() + make_interval(secs => :seconds))
ON CONFLICT (policy) DO UPDATE SET remaining = 0, observed_at = excluded.observed_at,
    blocked_until = excluded.blocked_until
""")

# One row comes back for the one process that may look now; the next may so many seconds later.
PROBE = text("""
UPDATE rate_budgets SET blocked_until = clock_timestamp() + make_interval(secs => :seconds)
WHERE policy = 'daily' AND coalesce(blocked_until <= clock_timestamp(), true)
RETURNING policy
""")

BLOCK = text("""
UPDATE rate_budgets
SET blocked_until = greatest(blocked_until, clock_timestamp() + make_interval(secs => :seconds))
WHERE policy = :policy
""")
