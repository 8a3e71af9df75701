import { describe, expect, it, vi } from "vitest";
import { ServerClock } from "../src/api/serverClock";
import { elapsed, formatAge, formatDay, formatDuration, formatElapsed } from "../src/time/format";
import { at, NOW } from "./deals";

const now = Date.parse(NOW);

describe("Times", () => {
  it.each([
    [-30, "now"],
    [4.9, "now"],
    [12, "12 s ago"],
    [59.9, "59 s ago"],
    [250, "4 min ago"],
    [3 * 3_600 + 5, "3 h ago"],
    [49 * 3_600, "2 d ago"],
  ])("%d s before now is %s", (ago, text) => {
    expect(formatAge(at(ago), now)).toBe(text);
  });

  it.each([
    [-5, "0 ms"],
    [180, "180 ms"],
    [3_290, "3.2 s"],
    [12_900, "12 s"],
    [184_000, "3 min 4 s"],
    [4_320_000, "1 h 12 min"],
  ])("%d ms is a duration of %s", (ms, text) => {
    expect(formatDuration(ms)).toBe(text);
  });

  it("tick in whole seconds while they go on", () => {
    expect([-1, 999, 1_000, 61_000].map(formatElapsed)).toEqual(["0 s", "0 s", "1 s", "1 min 1 s"]);
  });

  it("last until now when they have not ended, and not at all when they have not begun", () => {
    expect(elapsed(at(10), null, now)).toBe(10_000);
    expect(elapsed(at(10), at(4), now)).toBe(6_000);
    expect(elapsed(null, null, now)).toBeNull();
  });

  it("of a close date are the day that HubSpot shows in the person's zone", () => {
    const days = ["America/Los_Angeles", "UTC", "Pacific/Auckland"].map((zone) => {
      vi.stubEnv("TZ", zone);
      return [formatDay("2026-04-01T01:09:00Z"), formatDay("2026-03-31T11:30:00Z")];
    });
    vi.unstubAllEnvs();
    expect(days).toEqual([
      ["Mar 31, 2026", "Mar 31, 2026"],
      ["Apr 1, 2026", "Mar 31, 2026"],
      ["Apr 1, 2026", "Apr 1, 2026"],
    ]);
  });
});

describe("The server's clock", () => {
  const hour = 3_600_000;

  it("is this browser's as long as nothing speaks against it", () => {
    vi.useFakeTimers({ now });
    const clock = new ServerClock();
    clock.observe(null, now, now);
    clock.observe(new Date(now).toUTCString(), now - 100, now + 100);
    expect(clock.now()).toBe(now);
  });

  it("is found within a second when this browser is an hour off", () => {
    vi.useFakeTimers({ now: now - hour });
    const clock = new ServerClock();
    clock.observe(new Date(now).toUTCString(), now - hour - 50, now - hour + 50);
    expect(Math.abs(clock.now() - now)).toBeLessThanOrEqual(1_050);
  });

  it("narrows with every answer, and starts again when a clock was set", () => {
    const clock = new ServerClock();
    clock.observe(new Date(now).toUTCString(), now + hour, now + hour);
    clock.observe(new Date(now).toUTCString(), now + hour + 900, now + hour + 900);
    expect(clock.offset).toBe(-hour + 550);
    clock.observe(new Date(now).toUTCString(), now, now);
    expect(clock.offset).toBe(0);
  });
});
