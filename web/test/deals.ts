import type { DetailRunFragment, DetailStepFragment, QueueDealFragment, StepStatus } from "../src/gql/generated";

/** When every story in the tests takes place. */
export const NOW = "2026-03-04T12:00:00Z";

const STAGES = [
  ["fetch", "Fetch"],
  ["validate", "Validate"],
  ["associate", "Associate"],
  ["deduplicate", "Deduplicate"],
  ["score", "Score"],
  ["write_back", "Write back"],
] as const;

let made = 0;

/** `ago`: seconds before NOW. */
export function at(ago: number): string {
  return new Date(Date.parse(NOW) - ago * 1_000).toISOString();
}

/** One step a stage in these states, those left out waiting; each begun one took a second. */
export function steps(...statuses: StepStatus[]): DetailStepFragment[] {
  return STAGES.map(([stage, label], index) => {
    const status = statuses[index] ?? "PENDING";
    const begun = status !== "PENDING" && status !== "SKIPPED";
    const ended = begun && status !== "RUNNING";
    const startedAt = begun ? at(20 - index) : null;
    return {
      stage,
      label,
      status,
      startedAt,
      endedAt: ended ? at(19 - index) : null,
      attempts: begun ? 1 : 0,
      isCarriedOver: false,
      carriedOverFrom: null,
      output: null,
      error: null,
    };
  });
}

export function queuedDeal(more: Partial<QueueDealFragment> = {}): QueueDealFragment {
  made += 1;
  return {
    id: `deal-${made}`,
    hubspotDealId: String(70_000 + made),
    name: `Deal ${made}`,
    amount: "1200.00",
    currency: "EUR",
    ownerName: "Maya Lindqvist",
    status: "QUEUED",
    reason: null,
    waitsFor: null,
    currentStage: null,
    createdAt: at(60),
    updatedAt: at(12),
    steps: steps(),
    ...more,
  };
}

export function runningDeal(more: Partial<QueueDealFragment> = {}): QueueDealFragment {
  return queuedDeal({ status: "RUNNING", currentStage: "validate", steps: steps("DONE", "RUNNING"), ...more });
}

export function doneDeal(more: Partial<QueueDealFragment> = {}): QueueDealFragment {
  const all = steps("DONE", "DONE", "DONE", "DONE", "DONE", "DONE");
  return queuedDeal({ status: "DONE", currentStage: "write_back", steps: all, ...more });
}

export function failedDeal(more: Partial<QueueDealFragment> = {}): QueueDealFragment {
  const some = steps("DONE", "DONE", "FAILED");
  return queuedDeal({ status: "FAILED", reason: "NEEDS_ATTENTION", currentStage: "associate", steps: some, ...more });
}

/** The run that a deal's row tells of. */
export function runOf(deal: QueueDealFragment, more: Partial<DetailRunFragment> = {}): DetailRunFragment {
  return {
    id: `${deal.id}-run-1`,
    number: 1,
    trigger: "NEW",
    status: deal.status,
    reason: deal.reason,
    createdAt: at(60),
    startedAt: deal.status === "QUEUED" ? null : at(20),
    endedAt: deal.status === "DONE" || deal.status === "FAILED" ? at(14) : null,
    nextAttemptAt: null,
    waitsFor: deal.waitsFor,
    steps: deal.steps.map((step) => ({
      ...step,
      isCarriedOver: false,
      carriedOverFrom: null,
      output: null,
      error: null,
    })),
    ...more,
  };
}
