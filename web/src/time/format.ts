const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
/** Younger than this is "now": counting the first seconds would flicker. */
const NOW_MS = 5 * SECOND;

/** How long ago: "now", "12 s ago", "4 min ago", "3 h ago", "2 d ago". A time ahead of the clock is "now". */
export function formatAge(at: string | number, now: number): string {
  const ms = now - new Date(at).getTime();
  if (ms < NOW_MS) return "now";
  if (ms < MINUTE) return `${Math.floor(ms / SECOND)} s ago`;
  if (ms < HOUR) return `${Math.floor(ms / MINUTE)} min ago`;
  if (ms < DAY) return `${Math.floor(ms / HOUR)} h ago`;
  return `${Math.floor(ms / DAY)} d ago`;
}

/** How long something took: "180 ms", "3.2 s", "12 s", "3 min 4 s", "1 h 12 min". */
export function formatDuration(ms: number): string {
  if (ms < SECOND) return `${Math.max(0, Math.round(ms))} ms`;
  if (ms < 10 * SECOND) return `${(Math.floor(ms / 100) / 10).toFixed(1)} s`;
  return formatElapsed(ms);
}

/** How long something has been running, in whole units: "0 s", "12 s", "3 min 4 s", "1 h 12 min". */
export function formatElapsed(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / SECOND));
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  return minutes < 60 ? `${minutes} min ${seconds % 60} s` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** Milliseconds between two times of the API, up to now if it has not ended; null if it has not begun. */
export function elapsed(startedAt: string | null, endedAt: string | null, now: number): number | null {
  if (startedAt === null) return null;
  return (endedAt === null ? now : Date.parse(endedAt)) - Date.parse(startedAt);
}

/** The time of day in this browser's zone. */
export function formatClock(at: string): string {
  return new Date(at).toLocaleTimeString();
}

/** For a tooltip: local time with the zone's name, then UTC. */
export function formatFull(at: string): string {
  const date = new Date(at);
  return `${date.toLocaleString(undefined, { dateStyle: "medium", timeStyle: "long" })} (${date.toISOString()})`;
}

/** The calendar day of a time in this browser's zone, as HubSpot's pages show it. */
export function formatDay(at: string): string {
  return new Date(at).toLocaleDateString(undefined, { dateStyle: "medium" });
}
