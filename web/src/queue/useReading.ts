import { type FocusEvent, useRef, useState, useSyncExternalStore } from "react";

/** Scrolled further than this, the user reads rows further down. */
const SCROLLED_PX = 40;

/** Whether the user is reading or using the table: pointer or focus in it, text in it selected, or the page scrolled. */
export function useReading() {
  const table = useRef<HTMLTableElement>(null);
  const [pointed, setPointed] = useState(false);
  const [focused, setFocused] = useState(false);
  const scrolled = useSyncExternalStore(onScroll, () => scrollY > SCROLLED_PX);
  const selected = useSyncExternalStore(onSelection, () => selectsIn(table.current));
  const watch = {
    ref: table,
    onPointerEnter: () => setPointed(true),
    onPointerLeave: () => setPointed(false),
    onFocus: () => setFocused(true),
    onBlur: (event: FocusEvent) => setFocused(event.currentTarget.contains(event.relatedTarget)),
  };
  return { reading: pointed || focused || scrolled || selected, watch };
}

/** Whether some text is selected in this part of the page. */
export function selectsIn(part: Element | null): boolean {
  const selection = getSelection();
  return selection?.isCollapsed === false && part?.contains(selection.anchorNode) === true;
}

function onScroll(listener: () => void): () => void {
  addEventListener("scroll", listener, { passive: true });
  return () => removeEventListener("scroll", listener);
}

function onSelection(listener: () => void): () => void {
  document.addEventListener("selectionchange", listener);
  return () => document.removeEventListener("selectionchange", listener);
}
