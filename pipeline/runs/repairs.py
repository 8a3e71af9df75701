"""Counting what was found contradicting itself and put right: each number should be 0."""


def counted(kind: str, fixed: str) -> str:
    """One more CTE of a statement: counts the rows of its CTE `fixed` as repairs of this kind."""
    return f""", counted AS (
    INSERT INTO repairs AS p (kind, count, last_at)
    SELECT '{kind}', count(*), clock_timestamp() FROM {fixed} HAVING count(*) > 0
    ON CONFLICT (kind) DO UPDATE SET count = p.count + excluded.count, last_at = excluded.last_at
)"""  # noqa: S608 - constants of ours
