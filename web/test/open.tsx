import { act, fireEvent, render } from "@testing-library/react";
import { vi } from "vitest";
import { createPage } from "../src/page";
import { NOW } from "./deals";

/** Answers come without delay, and a few timers of no length pass them on. */
const SETTLING_MS = 10;

/** Opens the page at an address, at NOW, with a clock that only `pass` moves, and waits for its first answers. */
export async function openPage(address = "/"): Promise<void> {
  vi.useFakeTimers({ now: new Date(NOW) });
  history.replaceState(null, "", address);
  render(createPage());
  await settle();
}

export async function click(element: Element): Promise<void> {
  fireEvent.click(element);
  await settle();
}

/** Presses a key where the focus is. */
export async function press(key: string): Promise<void> {
  fireEvent.keyDown(document.activeElement ?? document.body, { key });
  await settle();
}

/** Lets what has been set off come to its end. */
export function settle(): Promise<void> {
  return pass(SETTLING_MS);
}

/** Lets time go by, with everything that happens in it. */
export async function pass(milliseconds: number): Promise<void> {
  await act(() => vi.advanceTimersByTimeAsync(milliseconds));
}
