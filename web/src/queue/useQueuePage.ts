import { useRef, useState } from "react";
import { useShortcuts } from "../help/shortcuts";
import { changePageState, usePageState } from "../url/pageState";
import { useHeldOrder } from "./heldOrder";
import { closeDeal, walker } from "./navigation";
import { FIRST_LIMIT } from "./OlderDeals";
import { useQueue } from "./useQueue";
import { useReading } from "./useReading";
import { useRefreshOnResume } from "./useRefreshOnResume";

/** State and actions of the queue page; its components only render them. */
export function useQueuePage() {
  const { dealId, live } = usePageState();
  const [limit, setLimit] = useState(FIRST_LIMIT);
  const queue = useQueue(limit, live);
  const { reading, watch } = useReading();
  const order = useHeldOrder(queue.deals, reading || dealId !== null);
  const main = useRef<HTMLElement>(null);
  const help = useRef<HTMLDialogElement>(null);
  useRefreshOnResume(live);
  const walk = walker(order.rows, dealId);
  const setLive = (on: boolean) => changePageState({ live: on });
  const showHelp = () => help.current?.showModal();
  const showNew = () => {
    order.release();
    main.current?.focus({ preventScroll: true });
    scrollTo({ top: 0 });
  };
  useShortcuts({
    j: () => walk(1),
    k: () => walk(-1),
    l: () => setLive(!live),
    "?": showHelp,
    ...(order.waiting > 0 && { n: showNew }),
    ...(dealId !== null && { Escape: () => closeDeal(dealId) }),
  });
  return { dealId, live, limit, queue, order, watch, main, help, walk, setLimit, setLive, showHelp, showNew };
}

export type Page = ReturnType<typeof useQueuePage>;
