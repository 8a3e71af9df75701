import { useSyncExternalStore } from "react";

/** The state in the URL: `?deal=ID` is the open sheet, `?live=off` a paused page. Defaults are omitted. */
export type PageState = { dealId: string | null; live: boolean };

/** Signals our own changes: `pushState` fires no event. */
const CHANGED = "dealqueue:address";

export function readPageState(search: string): PageState {
  const parameters = new URLSearchParams(search);
  return { dealId: parameters.get("deal"), live: parameters.get("live") !== "off" };
}

/** The page's URL in this state; other parameters are kept. */
export function addressOf(change: Partial<PageState>): string {
  const { dealId, live } = { ...readPageState(location.search), ...change };
  const parameters = new URLSearchParams(location.search);
  put(parameters, "deal", dealId);
  put(parameters, "live", live ? null : "off");
  const query = parameters.toString();
  return location.pathname + (query ? `?${query}` : "");
}

/** Opening a deal adds a history entry; everything else replaces the URL. */
export function changePageState(change: Partial<PageState>): void {
  const opensDeal = change.dealId != null && readPageState(location.search).dealId === null;
  if (opensDeal) history.pushState(null, "", addressOf(change));
  else history.replaceState(null, "", addressOf(change));
  dispatchEvent(new Event(CHANGED));
}

export function usePageState(): PageState {
  return readPageState(useSyncExternalStore(subscribe, () => location.search));
}

function subscribe(listener: () => void): () => void {
  addEventListener("popstate", listener);
  addEventListener(CHANGED, listener);
  return () => {
    removeEventListener("popstate", listener);
    removeEventListener(CHANGED, listener);
  };
}

function put(parameters: URLSearchParams, name: string, value: string | null): void {
  if (value === null) parameters.delete(name);
  else parameters.set(name, value);
}
