/** An HTTP date is truncated to whole seconds, and servers cache the formatted text for up to one more. */
const DATE_GRAIN_MS = 2_000;

/**
 * An estimate of the server's clock from the `Date` headers of its responses.
 * Each response bounds the offset from both sides; the intersection of all bounds is narrower than one alone.
 */
export class ServerClock {
  #low = Number.NEGATIVE_INFINITY;
  #high = Number.POSITIVE_INFINITY;

  /** `sentAt` and `receivedAt` are this browser's milliseconds; a response without a date changes nothing. */
  observe(date: string | null, sentAt: number, receivedAt: number): void {
    const at = Date.parse(date ?? "");
    if (Number.isNaN(at)) return;
    const low = at - receivedAt;
    const high = at + DATE_GRAIN_MS - sentAt;
    // Disjoint bounds mean that one of the clocks was set: start again from this response.
    const jumped = low > this.#high || high < this.#low;
    this.#low = jumped ? low : Math.max(low, this.#low);
    this.#high = jumped ? high : Math.min(high, this.#high);
  }

  /** Milliseconds to add to this browser's clock; 0 while the bounds allow it. */
  get offset(): number {
    if (this.#low <= 0 && this.#high >= 0) return 0;
    return (this.#low + this.#high) / 2;
  }

  now(): number {
    return Date.now() + this.offset;
  }
}

export const serverClock = new ServerClock();
