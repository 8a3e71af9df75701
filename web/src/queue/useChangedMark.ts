import { useEffect, useRef } from "react";
import { serverClock } from "../api/serverClock";

/** A row that comes onto the page is marked only when what it shows is this fresh. */
const FRESH_MS = 5_000;

/**
 * Marks an element for a moment when `updatedAt` moves. The mark goes when its animation ends: React moves the other
 * rows about when one rises to the top, and an animation starts again in an element that is moved.
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
