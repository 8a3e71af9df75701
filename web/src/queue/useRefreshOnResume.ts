import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useRef } from "react";

/** When "Live" is switched on again, the rows are refreshed at once, not at the next poll. */
export function useRefreshOnResume(live: boolean): void {
  const client = useQueryClient();
  const before = useRef(live);
  useEffect(() => {
    if (live && !before.current) client.refetchQueries({ type: "active" });
    before.current = live;
  }, [live, client]);
}
