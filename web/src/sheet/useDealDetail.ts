import { useEffect } from "react";
import { type DealDetailQuery, type QueueDealFragment, useDealDetailQuery } from "../gql/generated";
import { LIVE_INTERVAL_MS, livePolling } from "../live/policy";
import { isFinal } from "../words";

/** One deal with its runs. Polled while its latest run has not ended, and read again when the list shows a newer state. */
export function useDealDetail(id: string, live: boolean, listed: QueueDealFragment | undefined) {
  const { data, error, failureReason, refetch } = useDealDetailQuery({ id }, livePolling(live, whileUnfinished));
  const seen = data?.deal?.updatedAt;
  const newer = live && seen !== undefined && listed !== undefined && listed.updatedAt > seen;
  useEffect(() => {
    if (newer) refetch({ cancelRefetch: false });
  }, [newer, refetch]);
  return { deal: data?.deal, problem: failureReason ?? error, refetch };
}

function whileUnfinished(data: DealDetailQuery | undefined): number | false {
  const status = data?.deal?.runs[0]?.status ?? data?.deal?.status;
  return status !== undefined && isFinal(status) ? false : LIVE_INTERVAL_MS;
}
