import { useState } from "react";
import type { QueueDealFragment as Deal } from "../gql/generated";

/**
 * The rows while the user reads them: each keeps its place and shows its newest content; a deal that has left the list
 * stays as last read. Deals below all shown ones are appended, which moves nothing; others have to wait.
 * Returns `shown` itself when nothing changed.
 */
export function holdOrder(shown: Deal[], current: Deal[]): Deal[] {
  const byId = new Map(current.map((deal) => [deal.id, deal]));
  const held = shown.map((deal) => byId.get(deal.id) ?? deal);
  const ids = new Set(held.map((deal) => deal.id));
  const lowest = current.findLastIndex((deal) => ids.has(deal.id));
  const below = lowest < 0 ? [] : current.slice(lowest + 1);
  return below.length === 0 && held.every((deal, index) => deal === shown[index]) ? shown : [...held, ...below];
}

export type Order = {
  rows: Deal[];
  /** The number of deals in the list that have no row yet. */
  waiting: number;
  /** Switches to the list's own order now. */
  release: () => void;
};

/** The list's own order or, while `held`, the order on the screen. */
export function useHeldOrder(current: Deal[], held: boolean): Order {
  const [shown, setShown] = useState(current);
  const rows = held && shown.length > 0 ? holdOrder(shown, current) : current;
  if (rows !== shown) setShown(rows);
  const ids = new Set(rows.map((deal) => deal.id));
  const waiting = current.filter((deal) => !ids.has(deal.id)).length;
  return { rows, waiting, release: () => setShown(current) };
}
