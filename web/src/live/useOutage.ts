import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { SignInNeeded } from "../api/errors";

/**
 * The error of the last failed request of an operation until one succeeds again, else null.
 * Read from the cache's events, not from `failureReason`, which is empty again while "Retry now" is running.
 */
export function useOutage(operation: string): Error | null {
  const cache = useQueryClient().getQueryCache();
  const [outage, setOutage] = useState<Error | null>(null);
  useEffect(
    () =>
      cache.subscribe((event) => {
        if (event.type !== "updated" || event.query.queryKey[0] !== operation) return;
        if (event.action.type === "success") setOutage(null);
        if (event.action.type === "failed" && !(event.action.error instanceof SignInNeeded))
          setOutage(event.action.error);
      }),
    [cache, operation],
  );
  return outage;
}
