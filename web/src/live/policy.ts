import type { QueryKey } from "@tanstack/react-query";
import { SignInNeeded } from "../api/errors";
import { requestTimes } from "../api/requestTimes";

export const LIVE_INTERVAL_MS = 2_000;
const LONGEST_INTERVAL_MS = 30_000;
/** A server that takes 1 s to respond is polled every 4 s: polling must not overload a slow server. */
const PAUSE_PER_REQUEST_TIME = 4;

/** Milliseconds between two polls. */
export function pollInterval(asked: number, lastRequestTime: number): number {
  return Math.min(Math.max(asked, PAUSE_PER_REQUEST_TIME * lastRequestTime), LONGEST_INTERVAL_MS);
}

/** Milliseconds until the next retry: 2, 4, 8, 16, 30, 30 ... seconds. */
export function retryDelay(failures: number): number {
  return Math.min(LIVE_INTERVAL_MS * 2 ** failures, LONGEST_INTERVAL_MS);
}

/** An outage ends by itself; a missing session only ends with a sign-in. */
export function shouldRetry(_failures: number, error: Error): boolean {
  return !(error instanceof SignInNeeded);
}

/**
 * For every query. A poll during a running request or a back-off joins it, so there is at most one request. A failed
 * query keeps its data, so rows stay during an outage. An on-premise host is not "offline" without internet.
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
/** Milliseconds, or false to stop polling, given the last data. */
type Asked<TData> = (data: TData | undefined) => number | false;

/**
 * Every live query spreads this into its options: the polling interval, no polling while the tab is hidden, and a poll
 * as soon as it is shown again. The first element of a query key is the operation's name.
 */
export function livePolling<TData>(live: boolean, asked: Asked<TData> = () => LIVE_INTERVAL_MS) {
  const refetchInterval = ({ queryKey, state }: PolledQuery<TData>) => {
    const wanted = asked(state.data);
    return wanted !== false && pollInterval(wanted, requestTimes.last(String(queryKey[0])));
  };
  return { refetchInterval: live && refetchInterval, refetchOnWindowFocus: live && "always" } as const;
}
