import { useEffect, useRef, useSyncExternalStore } from "react";

const STORED = "dealqueue.single-key-shortcuts";
const CHANGED = "dealqueue:shortcuts";

/** In these a key is input, not a shortcut. */
const TYPING = "input:not([type=checkbox]), textarea, select, [contenteditable]";
/** These handle Escape and other keys themselves while they are open. */
const ABOVE_THE_PAGE = "dialog[open], [popover]:popover-open";

export type Shortcuts = Partial<Record<string, () => void>>;

/** Calls the function of the pressed key. Escape always works; single characters can be switched off (WCAG 2.1.4). */
export function useShortcuts(shortcuts: Shortcuts): void {
  const latest = useRef(shortcuts);
  useEffect(() => {
    latest.current = shortcuts;
  });
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      const run = meansUs(event) ? latest.current[event.key] : undefined;
      if (!run) return;
      event.preventDefault();
      run();
    };
    document.addEventListener("keydown", press);
    return () => document.removeEventListener("keydown", press);
  }, []);
}

function meansUs(event: KeyboardEvent): boolean {
  if (event.ctrlKey || event.altKey || event.metaKey || event.isComposing || event.defaultPrevented) return false;
  if (event.target instanceof Element && event.target.closest(TYPING)) return false;
  if (document.querySelector(ABOVE_THE_PAGE)) return false;
  return event.key.length > 1 || singleKeysAllowed();
}

/** Stored in this browser, if it allows that. */
export function singleKeysAllowed(): boolean {
  try {
    return localStorage.getItem(STORED) !== "off";
  } catch {
    return true; // storage is not available to this page
  }
}

export function useSingleKeys(): [boolean, (allowed: boolean) => void] {
  return [useSyncExternalStore(subscribe, singleKeysAllowed), allowSingleKeys];
}

function allowSingleKeys(allowed: boolean): void {
  try {
    localStorage.setItem(STORED, allowed ? "on" : "off");
  } catch {
    // storage is not available to this page: the switch keeps its state
  }
  dispatchEvent(new Event(CHANGED));
}

function subscribe(listener: () => void): () => void {
  addEventListener(CHANGED, listener);
  return () => removeEventListener(CHANGED, listener);
}
