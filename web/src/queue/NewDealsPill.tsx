import { useEffect, useRef, useState } from "react";

/** Screen readers announce new deals at most this often. */
const ANNOUNCE_MS = 5_000;

type Props = { count: number; onShow: () => void };

/** The number of new deals that are not shown yet, because the reader is in the middle of the list. */
export function NewDealsPill({ count, onShow }: Props) {
  return (
    <div className="new-deals">
      <Announcement text={count > 0 ? describe(count) : ""} />
      {count > 0 && (
        <button type="button" onClick={onShow}>
          <svg viewBox="0 0 16 16" aria-hidden="true">
            <path d="M8 13V3.5M3.8 7.7 8 3.5l4.2 4.2" />
          </svg>
          {describe(count)}
        </button>
      )}
    </div>
  );
}

function Announcement({ text }: { text: string }) {
  const [said, setSaid] = useState("");
  const latest = useRef(text);
  const some = text !== "";
  useEffect(() => {
    latest.current = text;
  }, [text]);
  useEffect(() => {
    const timer = some ? setInterval(() => setSaid(latest.current), ANNOUNCE_MS) : undefined;
    return () => clearInterval(timer);
  }, [some]);
  return (
    <span role="status" className="visually-hidden">
      {some && said}
    </span>
  );
}

function describe(count: number): string {
  return count === 1 ? "1 new deal" : `${count} new deals`;
}
