import type { DetailStepFragment } from "../gql/generated";
import type { QueueStep } from "../queue/dealText";
import { elapsed } from "../time/format";
import { StageItem } from "./StageItem";

type Detail = Pick<DetailStepFragment, "output" | "error" | "isCarriedOver" | "carriedOverFrom">;

/** The list has a step's times and attempts, the details also its output, its error and whether it was carried over. */
export type ShownStep = QueueStep & Partial<Detail>;

/** Every stage of one run in order, each with its share of the total time; carried-over ones took none of it. */
export function StageList({ steps }: { steps: readonly ShownStep[] }) {
  const total = steps.reduce((sum, step) => sum + taken(step), 0);
  return (
    <ol className="stage-list" aria-label="Stages">
      {steps.map((step) => (
        <StageItem key={step.stage} step={step} share={total > 0 ? taken(step) / total : 0} />
      ))}
    </ol>
  );
}

/** Milliseconds of a finished step; a running one has no share yet. */
function taken(step: ShownStep): number {
  return (step.endedAt !== null && elapsed(step.startedAt, step.endedAt, 0)) || 0;
}
