import type { JSX } from "react";
import type { StepStatus } from "../gql/generated";

/** Distinguished by shape as well as colour; drawn around (8, 8) in a cell of 16. */
const SHAPES: Record<StepStatus, JSX.Element> = {
  PENDING: <circle cx="8" cy="8" r="5.25" className="ring" />,
  RUNNING: (
    <g className="turning">
      <circle cx="8" cy="8" r="5.25" className="ring" />
      <path d="M8 4.6a3.4 3.4 0 0 1 0 6.8z" className="body" />
    </g>
  ),
  DONE: (
    <>
      <circle cx="8" cy="8" r="6" className="body" />
      <path d="m5.3 8.3 1.9 1.9 3.6-4" className="sign" />
    </>
  ),
  FAILED: (
    <>
      <rect x="2.2" y="2.2" width="11.6" height="11.6" rx="2.6" className="body" />
      <path d="m5.7 5.7 4.6 4.6m0-4.6-4.6 4.6" className="sign" />
    </>
  ),
  SKIPPED: <path d="M4 8h8" className="ring wide" />,
  CANCELLED: (
    <>
      <circle cx="8" cy="8" r="5.25" className="ring" />
      <path d="m4.4 11.6 7.2-7.2" className="ring" />
    </>
  ),
};

export function StepShape({ status }: { status: StepStatus }) {
  return (
    <g className="step-shape" data-status={status}>
      {SHAPES[status]}
    </g>
  );
}
