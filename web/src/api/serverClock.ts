/** An HTTP date is cut to whole seconds, and servers keep the formatted text for up to one more. */
const DATE_GRAIN_MS = 2_000;

/**
 * The server's clock as seen from here, from the `Date` header of its answers.
 * Each answer bounds the offset from both sides; the bounds of all answers together are narrower than one alone.
 */
export class ServerClock {
  #low = Number.NEGATIVE_INFINITY;
  #high = Number.POSITIVE_INFINITY;

  /** `sentAt` and `receivedAt` are this browser's milliseconds; an answer without a date changes nothing. */
  observe(date: string | null, sentAt: number, receivedAt: number): void {
    const at = Date.parse(date ?? "");
    if (Number.isNaN(at)) return;
    const low = at - receivedAt;
    const high = at + DATE_GRAIN_MS - sentAt;
    // Bounds that exclude each other mean that one of the clocks was set: start again from this answer.
    const jumped = low > this.#high || high < this.#low;
    this.#low = jumped ? low : Math.max(low, this.#low);
    this.#high = jumped ? high : Math.min(high, this.#high);
  }

  /** Milliseconds to add to this browser's clock; 0 while nothing speaks against it. */
  get offset(): number {
    if (this.#low <= 0 && this.#high >= 0) return 0;
    return (this.#low + this.#high) / 2;
  }

  now(): number {
    return Date.now() + this.offset;
  }
}

export const serverClock = new ServerClock();
