import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useRef } from "react";

/** Switched on again, "Live" is true at once, not at the next tick. */
export function useRefreshOnResume(live: boolean): void {
  const client = useQueryClient();
  const before = useRef(live);
  useEffect(() => {
    if (live && !before.current) client.refetchQueries({ type: "active" });
    before.current = live;
  }, [live, client]);
}
