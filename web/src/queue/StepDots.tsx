import { STEP_WORDS } from "../words";
import { describeSteps, type QueueStep } from "./dealText";
import { StepShape } from "./StepShape";

const CELL = 16;
const GAP = 6;
/** More dots than this cannot be distinguished. */
const MOST_DOTS = 10;

type Props = { steps: readonly QueueStep[] };

/** The progress of a deal: one shape per step, one accessible name for all of them. */
export function StepDots({ steps }: Props) {
  if (steps.length > MOST_DOTS) return <StepBar steps={steps} />;
  const width = steps.length * (CELL + GAP) - GAP;
  return (
    <svg
      className="step-dots"
      role="img"
      aria-label={describeSteps(steps)}
      viewBox={`0 0 ${width} ${CELL}`}
      width={width}
    >
      {steps.map((step, index) => (
        <g key={step.stage} transform={`translate(${index * (CELL + GAP)} 0)`}>
          <title>{`${step.label}: ${STEP_WORDS[step.status]}`}</title>
          {index > 0 && <path d="M-8 8H2" className="link" data-reached={step.status !== "PENDING"} />}
          <rect width={CELL} height={CELL} className="hit" />
          <StepShape status={step.status} />
        </g>
      ))}
    </svg>
  );
}

function StepBar({ steps }: Props) {
  const done = steps.filter((step) => step.status === "DONE").length;
  return (
    <span className="step-bar" role="img" aria-label={describeSteps(steps)}>
      <progress max={steps.length} value={done} />
      <span className="numbers">{`${done}/${steps.length}`}</span>
    </span>
  );
}
