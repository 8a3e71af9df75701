import type { QueryKey } from "@tanstack/react-query";
import { SignInNeeded } from "../api/errors";
import { requestTimes } from "../api/requestTimes";

export const LIVE_INTERVAL_MS = 2_000;
const LONGEST_INTERVAL_MS = 30_000;
/** A server that needs 1 s to answer is asked every 4 s: a slow server is never made slower. */
const PAUSE_PER_REQUEST_TIME = 4;

/** Milliseconds between two polls. */
export function pollInterval(asked: number, lastRequestTime: number): number {
  return Math.min(Math.max(asked, PAUSE_PER_REQUEST_TIME * lastRequestTime), LONGEST_INTERVAL_MS);
}

/** Milliseconds until the next try: 2, 4, 8, 16, 30, 30 ... seconds. */
export function retryDelay(failures: number): number {
  return Math.min(LIVE_INTERVAL_MS * 2 ** failures, LONGEST_INTERVAL_MS);
}

/** An outage ends some day; a missing session ends only when somebody signs in. */
export function shouldRetry(_failures: number, error: Error): boolean {
  return !(error instanceof SignInNeeded);
}

/**
 * For every query. A poll that falls into a running request or a back-off joins it, so there is one request at most;
 * rows stay through an outage because a failed query keeps its data. An on-premise host is not "offline" without internet.
 */
export const queryDefaults = {
  networkMode: "always",
  retry: shouldRetry,
  retryDelay,
  refetchIntervalInBackground: false,
  refetchOnWindowFocus: false,
  refetchOnReconnect: false,
} as const;

type PolledQuery<TData> = { queryKey: QueryKey; state: { data: TData | undefined } };
/** Milliseconds, or false for "not any more", from what was last read. */
type Asked<TData> = (data: TData | undefined) => number | false;

/**
 * What every live query spreads into its options: how often it is asked again, nothing while the tab is hidden,
 * at once when it is shown again. The operation's name leads its key.
 */
export function livePolling<TData>(live: boolean, asked: Asked<TData> = () => LIVE_INTERVAL_MS) {
  const refetchInterval = ({ queryKey, state }: PolledQuery<TData>) => {
    const wanted = asked(state.data);
    return wanted !== false && pollInterval(wanted, requestTimes.last(String(queryKey[0])));
  };
  return { refetchInterval: live && refetchInterval, refetchOnWindowFocus: live && "always" } as const;
}
