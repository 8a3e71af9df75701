import { elapsed, formatDuration, formatElapsed } from "./format";
import { useTicking } from "./ticker";

type Props = { startedAt: string | null; endedAt: string | null };

/** How long something took or, ticking, has been running. Nothing if it has not begun. */
export function Elapsed({ startedAt, endedAt }: Props) {
  const text = useTicking((now) => {
    const ms = elapsed(startedAt, endedAt, now);
    if (ms === null) return null;
    return endedAt === null ? formatElapsed(ms) : formatDuration(ms);
  });
  return text === null ? null : <span className="numbers">{text}</span>;
}
