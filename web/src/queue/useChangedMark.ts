import { useEffect, useRef } from "react";
import { serverClock } from "../api/serverClock";

/** A row that appears on the page is marked only if its change is this recent. */
const FRESH_MS = 5_000;

/**
 * Marks an element for a moment when `updatedAt` moves. The mark is removed when its animation ends: when a row
 * moves to the top React moves the others, and an animation restarts in an element that is moved.
 */
export function useChangedMark(updatedAt: string) {
  const element = useRef<HTMLTableRowElement>(null);
  const seen = useRef<string | null>(null);
  useEffect(() => {
    const row = element.current;
    const fresh = serverClock.now() - Date.parse(updatedAt) < FRESH_MS;
    if (row && seen.current !== updatedAt && (seen.current !== null || fresh)) row.dataset.changed = "";
    seen.current = updatedAt;
  }, [updatedAt]);
  return { ref: element, onAnimationEnd: () => delete element.current?.dataset.changed };
}
