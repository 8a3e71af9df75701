import type { QueryKey } from "@tanstack/react-query";
import { useUpdatedAge } from "./OutageBanner";

type Props = { live: boolean; down: boolean; queryKey: QueryKey };

/** "Live · updated now": how current the rows are. */
export function Freshness({ live, down, queryKey }: Props) {
  const age = useUpdatedAge(queryKey);
  const state = down ? "Reconnecting" : live ? "Live" : "Paused";
  return (
    <p className="freshness" data-state={state}>
      {age === null ? state : `${state} · updated ${age}`}
    </p>
  );
}
