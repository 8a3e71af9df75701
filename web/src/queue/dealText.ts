import type { QueueDealFragment } from "../gql/generated";
import { REASON_WORDS, STEP_WORDS } from "../words";

export type QueueStep = QueueDealFragment["steps"][number];

/** A deal in HubSpot may have no name. */
export function dealName({ name, hubspotDealId }: Pick<QueueDealFragment, "name" | "hubspotDealId">): string {
  return name?.trim() || `Unnamed deal ${hubspotDealId}`;
}

/** The steps in one sentence: "4 of 6 steps done; Score running". */
export function describeSteps(steps: readonly QueueStep[]): string {
  const done = steps.filter((step) => step.status === "DONE").length;
  const notable = steps
    .filter((step) => step.status !== "DONE" && step.status !== "PENDING")
    .map((step) => `; ${step.label} ${STEP_WORDS[step.status]}`);
  return `${done} of ${steps.length} steps done${notable.join("")}`;
}

export type Now = { text: string; startedAt: string | null; endedAt: string | null };

/** What the deal is doing, with its start and end. */
export function whatNow(deal: QueueDealFragment): Now | null {
  const { status, reason, steps, waitsFor } = deal;
  const running = steps.find((step) => step.status === "RUNNING");
  if (running) return { text: running.label, startedAt: running.startedAt, endedAt: null };
  const failed = steps.find((step) => step.status === "FAILED");
  if (failed && waitsFor) return still(`${failed.label} waits for ${waitsFor}`);
  if (failed) return still(`${failed.label} failed`);
  if (status === "DONE") return { text: "All steps", ...span(steps) };
  if (reason) return still(REASON_WORDS[reason]);
  return status === "QUEUED" ? still("Waiting for a worker") : null;
}

/** From the first step's start to the last one's end. */
export function span(steps: readonly QueueStep[]): { startedAt: string | null; endedAt: string | null } {
  const starts = steps.flatMap((step) => step.startedAt ?? []).sort();
  const ends = steps.flatMap((step) => step.endedAt ?? []).sort();
  return { startedAt: starts[0] ?? null, endedAt: ends.at(-1) ?? null };
}

function still(text: string): Now {
  return { text, startedAt: null, endedAt: null };
}

/** In the deal's own currency; decimals only where there are some. Null when HubSpot has no amount. */
export function formatAmount(amount: string | null, currency: string | null): string | null {
  if (amount === null) return null;
  const plain = { trailingZeroDisplay: "stripIfInteger", maximumFractionDigits: 2 } as const;
  // A string, not a number: money is exact to the last digit.
  const exact = amount as Intl.StringNumericLiteral;
  if (currency === null) return new Intl.NumberFormat(undefined, plain).format(exact);
  try {
    return new Intl.NumberFormat(undefined, { ...plain, style: "currency", currency }).format(exact);
  } catch {
    return `${amount} ${currency}`; // not a currency code
  }
}
