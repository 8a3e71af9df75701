import type { QueueDealFragment } from "../gql/generated";
import { changePageState } from "../url/pageState";

const LINKS = "a.deal-link";

export function openDeal(id: string): void {
  changePageState({ dealId: id });
}

/** Focus returns to the deal's row, or to the list if the row is gone. */
export function closeDeal(id: string): void {
  changePageState({ dealId: null });
  const link = document.querySelector<HTMLElement>(`${LINKS}[data-deal="${CSS.escape(id)}"]`);
  (link ?? document.querySelector<HTMLElement>("#deals"))?.focus();
}

/** Moves through the rows: with an open sheet from deal to deal, else from link to link. */
export function walker(rows: readonly QueueDealFragment[], openId: string | null) {
  return openId === null ? focusBy : (by: 1 | -1) => openBy(rows, openId, by);
}

function openBy(rows: readonly QueueDealFragment[], openId: string, by: 1 | -1): void {
  const here = rows.findIndex((deal) => deal.id === openId);
  const next = rows[here < 0 ? 0 : here + by];
  if (next) openDeal(next.id);
}

function focusBy(by: 1 | -1): void {
  const links = [...document.querySelectorAll<HTMLElement>(LINKS)];
  const active = document.activeElement;
  const here = active instanceof HTMLElement ? links.indexOf(active) : -1;
  links[here < 0 ? 0 : here + by]?.focus();
}
