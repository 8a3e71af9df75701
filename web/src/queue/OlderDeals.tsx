/** The number of live rows, up to the maximum of one API response. */
export const FIRST_LIMIT = 50;
const STEP = 50;
const MOST = 200;

type Props = { limit: number; hasOlder: boolean; loading: boolean; onMore: (limit: number) => void };

/** Below the last row: a button for more rows, the end of the queue, or where to find the rest. */
export function OlderDeals({ limit, hasOlder, loading, onMore }: Props) {
  if (!hasOlder && !loading) return <p className="older">End of the queue.</p>;
  if (limit >= MOST && !loading) {
    return (
      <p className="older">
        This page shows the {MOST} deals changed last. Query older ones with <code>before</code> in{" "}
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
