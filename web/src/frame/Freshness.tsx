import type { QueryKey } from "@tanstack/react-query";
import { useUpdatedAge } from "./OutageBanner";

type Props = { live: boolean; down: boolean; queryKey: QueryKey };

/** "Live · updated now": whether the rows can be trusted. */
export function Freshness({ live, down, queryKey }: Props) {
  const age = useUpdatedAge(queryKey);
  const state = down ? "Reconnecting" : live ? "Live" : "Paused";
  return (
    <p className="freshness" data-state={state}>
      {age === null ? state : `${state} · updated ${age}`}
    </p>
  );
}
