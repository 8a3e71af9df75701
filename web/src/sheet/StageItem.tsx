import type { CSSProperties } from "react";
import { StepShape } from "../queue/StepShape";
import { Age } from "../time/Age";
import { Elapsed } from "../time/Elapsed";
import { formatClock } from "../time/format";
import { STEP_WORDS } from "../words";
import type { ShownStep } from "./StageList";

export function StageItem({ step, share }: { step: ShownStep; share: number }) {
  return (
    <li className="stage" data-status={step.status}>
      <svg viewBox="0 0 16 16" aria-hidden="true">
        <StepShape status={step.status} />
      </svg>
      <div className="stage-line">
        <span className="stage-label">{step.label}</span>
        <span className="stage-word">{STEP_WORDS[step.status]}</span>
        <Elapsed startedAt={step.startedAt} endedAt={step.endedAt} />
      </div>
      {share > 0 && <span className="share" style={{ "--share": share } as CSSProperties} aria-hidden="true" />}
      {step.isCarriedOver && <CarriedOver from={step.carriedOverFrom} />}
      {step.startedAt && <Started at={step.startedAt} attempts={step.attempts} />}
      {step.error && <StageError type={step.error.type} message={step.error.message} />}
      {step.output != null && <Output value={step.output} />}
    </li>
  );
}

function Started({ at, attempts }: { at: string; attempts: number }) {
  return (
    <p className="stage-when">
      {`${formatClock(at)} · `}
      <Age at={at} />
      {attempts > 1 && ` · attempt ${attempts}`}
    </p>
  );
}

/** What the stage found is that run's, and so is the time that it took. */
function CarriedOver({ from }: { from: number | null | undefined }) {
  return <p className="stage-when">{`carried over from ${from == null ? "an earlier run" : `run ${from}`}`}</p>;
}

function StageError({ type, message }: { type: string; message: string }) {
  return (
    <p className="stage-error">
      <strong>{type}</strong>
      {message}
    </p>
  );
}

function Output({ value }: { value: unknown }) {
  return (
    <details className="output">
      <summary>Output</summary>
      <pre>{JSON.stringify(value, null, 2)}</pre>
    </details>
  );
}
