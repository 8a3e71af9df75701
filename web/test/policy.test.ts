import { afterEach, describe, expect, it } from "vitest";
import { ApiDown, SignInNeeded } from "../src/api/errors";
import { requestTimes } from "../src/api/requestTimes";
import { livePolling, pollInterval, retryDelay, shouldRetry } from "../src/live/policy";

const query = { queryKey: ["DealQueue", { limit: 50 }], state: { data: undefined } };

function intervalOf({ refetchInterval }: ReturnType<typeof livePolling>): number | false {
  return refetchInterval === false ? false : refetchInterval(query);
}

afterEach(() => {
  requestTimes.record("DealQueue", 0);
});

describe("The live policy", () => {
  it.each([
    [0, 2_000],
    [500, 2_000],
    [1_000, 4_000],
    [20_000, 30_000],
  ])("after a request of %i ms waits %i ms", (took, interval) => {
    expect(pollInterval(2_000, took)).toBe(interval);
  });

  it("tries again after 2, 4, 8, 16, 30 and 30 s", () => {
    expect([0, 1, 2, 3, 4, 50].map(retryDelay)).toEqual([2_000, 4_000, 8_000, 16_000, 30_000, 30_000]);
  });

  it("tries again after every failure but a missing session", () => {
    expect(shouldRetry(100, new ApiDown("HTTP 503"))).toBe(true);
    expect(shouldRetry(0, new SignInNeeded())).toBe(false);
  });

  it("slows down with the operation's own answers", () => {
    expect(intervalOf(livePolling(true))).toBe(2_000);
    requestTimes.record("DealQueue", 1_500);
    expect(intervalOf(livePolling(true))).toBe(6_000);
    expect(livePolling(true).refetchOnWindowFocus).toBe("always");
  });

  it("asks nothing when live is off, or when the query says that it has seen enough", () => {
    expect(livePolling(false)).toEqual({ refetchInterval: false, refetchOnWindowFocus: false });
    expect(intervalOf(livePolling(true, () => false))).toBe(false);
  });
});
