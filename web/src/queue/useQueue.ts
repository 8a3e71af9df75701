import { keepPreviousData, useQueryClient } from "@tanstack/react-query";
import { useCallback } from "react";
import { type QueueDealFragment, useDealQueueQuery } from "../gql/generated";
import { livePolling } from "../live/policy";
import { shareDealsById } from "../live/shareDealsById";
import { useOutage } from "../live/useOutage";

/** One array for all renders: a new one each time would trigger every effect that depends on it. */
const NO_DEALS: QueueDealFragment[] = [];

/** The newest `limit` deals, live or as last read. */
export function useQueue(limit: number, live: boolean) {
  const variables = { limit };
  const queryKey = useDealQueueQuery.getKey(variables);
  const { data, isPlaceholderData, refetch } = useDealQueueQuery(variables, {
    ...livePolling(live),
    structuralSharing: shareDealsById,
    placeholderData: keepPreviousData,
  });
  const client = useQueryClient();
  const retry = useCallback(async () => {
    // Before the first response `refetch` would join the back-off instead of ending it.
    await client.cancelQueries({ queryKey: ["DealQueue"] });
    await refetch();
  }, [client, refetch]);
  return {
    loaded: data !== undefined,
    deals: data?.dealQueue.items ?? NO_DEALS,
    hasOlder: data !== undefined && data.dealQueue.nextBefore !== null,
    loadingMore: isPlaceholderData,
    outage: useOutage("DealQueue"),
    queryKey,
    retry,
  };
}

export type Queue = ReturnType<typeof useQueue>;
