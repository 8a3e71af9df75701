/** Live rows up to the most that the API gives in one answer. */
export const FIRST_LIMIT = 50;
const STEP = 50;
const MOST = 200;

type Props = { limit: number; hasOlder: boolean; loading: boolean; onMore: (limit: number) => void };

/** What stands below the last row: more rows, the end of the queue, or where to find the rest. */
export function OlderDeals({ limit, hasOlder, loading, onMore }: Props) {
  if (!hasOlder && !loading) return <p className="older">That is the whole queue.</p>;
  if (limit >= MOST && !loading) {
    return (
      <p className="older">
        This page follows the {MOST} deals that changed last. Older ones can be read with <code>before</code> in{" "}
        <a href="/graphiql">GraphiQL</a>.
      </p>
    );
  }
  return (
    <p className="older">
      <button type="button" className="button" aria-disabled={loading} onClick={() => loading || onMore(limit + STEP)}>
        {loading ? "Loading more…" : `Show ${STEP} more`}
      </button>
    </p>
  );
}
