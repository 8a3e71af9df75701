import { replaceEqualDeep } from "@tanstack/react-query";
import type { DealQueueQuery, QueueDealFragment } from "../gql/generated";

/**
 * Keeps the object of every deal that did not change, whatever its position in the list is now.
 * TanStack's own sharing compares by index: one deal that moves to the top would replace every row.
 * Returns `previous` itself when nothing changed: with `keepPreviousData` the observer passes its own result back in,
 * and a new object each time would update endlessly.
 */
export function shareDealsById(previous: unknown, next: unknown): unknown {
  if (!isQueue(previous) || !isQueue(next)) return next;
  const known = new Map(previous.dealQueue.items.map((deal) => [deal.id, deal]));
  const items = next.dealQueue.items.map((deal): QueueDealFragment => replaceEqualDeep(known.get(deal.id), deal));
  const { nextBefore } = next.dealQueue;
  const same = nextBefore === previous.dealQueue.nextBefore && sameDeals(previous.dealQueue.items, items);
  return same ? previous : { dealQueue: { items, nextBefore } };
}

function isQueue(data: unknown): data is DealQueueQuery {
  return typeof data === "object" && data !== null && "dealQueue" in data;
}

function sameDeals(one: QueueDealFragment[], other: QueueDealFragment[]): boolean {
  return one.length === other.length && one.every((deal, index) => deal === other[index]);
}
