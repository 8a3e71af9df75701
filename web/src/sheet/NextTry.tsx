import { formatElapsed } from "../time/format";
import { useTicking } from "../time/ticker";

const SECOND_MS = 1_000;

/** Counts down to a retry: "retry in 30 s". */
export function NextTry({ at }: { at: string }) {
  const text = useTicking((now) => {
    const left = Date.parse(at) - now;
    return left > 0
      ? `retry in ${formatElapsed(Math.ceil(left / SECOND_MS) * SECOND_MS)}`
      : "retry as soon as a worker is free";
  });
  return <span className="numbers">{text}</span>;
}
