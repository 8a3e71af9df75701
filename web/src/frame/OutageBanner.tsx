import { type QueryKey, useQueryClient } from "@tanstack/react-query";
import { formatAge } from "../time/format";
import { useTicking } from "../time/ticker";

type Props = { outage: Error; queryKey: QueryKey; onRetry: () => void };

/** Shown as soon as a poll fails, until the API responds again. */
export function OutageBanner({ outage, queryKey, onRetry }: Props) {
  return (
    <div className="outage" role="alert">
      <svg viewBox="0 0 16 16" aria-hidden="true">
        <path d="M8 1.8 15 14H1zM8 6.2v3.6m0 2v.2" />
      </svg>
      <p>
        {outage.message} <LastUpdated queryKey={queryKey} />
      </p>
      <button type="button" className="button" onClick={onRetry}>
        Retry now
      </button>
    </div>
  );
}

/** Not part of the alert: screen readers would announce it with every tick. */
function LastUpdated({ queryKey }: { queryKey: QueryKey }) {
  const age = useUpdatedAge(queryKey);
  return age && <span aria-live="off">{`Last updated ${age}.`}</span>;
}

/** Age of a query's data by this browser's clock, which timed it; null before the first. Updates by its own timer. */
export function useUpdatedAge(queryKey: QueryKey): string | null {
  const client = useQueryClient();
  return useTicking(() => {
    const at = client.getQueryState(queryKey)?.dataUpdatedAt ?? 0;
    return at === 0 ? null : formatAge(at, Date.now());
  });
}
