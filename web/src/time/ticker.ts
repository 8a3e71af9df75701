import { useSyncExternalStore } from "react";
import { serverClock } from "../api/serverClock";

const TICK_MS = 1_000;

/** One timer for the whole page, running only while a component on it shows a time. */
class Ticker {
  readonly #listeners = new Set<() => void>();
  #timer: ReturnType<typeof setInterval> | undefined;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    this.#timer ??= setInterval(this.#tick, TICK_MS);
    return () => this.#leave(listener);
  };

  readonly #tick = (): void => {
    for (const listener of this.#listeners) listener();
  };

  #leave(listener: () => void): void {
    this.#listeners.delete(listener);
    if (this.#listeners.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}

const ticker = new Ticker();

/** The value of `read(now)`, `now` being the server's milliseconds. Renders again only when the value changes. */
export function useTicking<T extends string | number | boolean | null>(read: (now: number) => T): T {
  return useSyncExternalStore(ticker.subscribe, () => read(serverClock.now()));
}
