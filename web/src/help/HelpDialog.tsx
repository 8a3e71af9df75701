import { type RefObject, useId } from "react";
import type { StepStatus } from "../gql/generated";
import { StepShape } from "../queue/StepShape";
import { STEP_WORDS } from "../words";
import { useSingleKeys } from "./shortcuts";

const KEYS = [
  ["j", "Next deal"],
  ["k", "Previous deal"],
  ["Enter", "Open the deal"],
  ["Esc", "Close the deal"],
  ["n", "Show new deals"],
  ["l", "Turn live updates on or off"],
  ["?", "Show this help"],
] as const;

const STEPS = Object.keys(STEP_WORDS) as StepStatus[];

export function HelpDialog({ dialog }: { dialog: RefObject<HTMLDialogElement | null> }) {
  const title = useId();
  return (
    <dialog ref={dialog} className="help" aria-labelledby={title} closedby="any">
      <form method="dialog">
        <h2 id={title}>Keyboard shortcuts</h2>
        <button type="submit" className="icon-button" aria-label="Close">
          <svg viewBox="0 0 16 16" aria-hidden="true">
            <path d="m4 4 8 8m0-8-8 8" />
          </svg>
        </button>
      </form>
      <dl className="keys">
        {KEYS.map(([key, meaning]) => (
          <div key={key}>
            <dt>{meaning}</dt>
            <dd>
              <kbd>{key}</kbd>
            </dd>
          </div>
        ))}
      </dl>
      <SingleKeys />
      <h3>Step symbols</h3>
      <ul className="legend">
        {STEPS.map((status) => (
          <li key={status}>
            <svg viewBox="0 0 16 16" aria-hidden="true">
              <StepShape status={status} />
            </svg>
            {STEP_WORDS[status]}
          </li>
        ))}
      </ul>
    </dialog>
  );
}

function SingleKeys() {
  const [allowed, allow] = useSingleKeys();
  return (
    <label className="single-keys">
      <input type="checkbox" checked={allowed} onChange={(event) => allow(event.target.checked)} />
      Single-key shortcuts
    </label>
  );
}
