import { formatAge, formatFull } from "./format";
import { useTicking } from "./ticker";

/** How long ago, by the server's clock; the exact time in the tooltip. */
export function Age({ at }: { at: string }) {
  const text = useTicking((now) => formatAge(at, now));
  return (
    <time dateTime={at} title={formatFull(at)}>
      {text}
    </time>
  );
}
