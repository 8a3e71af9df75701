import type { RunReason, RunStatus, RunTrigger, StepStatus } from "./gql/generated";

/** The words for the API's enums, the same on every part of the page. */
export const RUN_WORDS: Record<RunStatus, string> = {
  QUEUED: "Queued",
  RUNNING: "Running",
  RETRYING: "Retrying",
  DONE: "Done",
  FAILED: "Failed",
  CANCELLED: "Cancelled",
  SKIPPED: "Skipped",
};

export const STEP_WORDS: Record<StepStatus, string> = {
  PENDING: "waiting",
  RUNNING: "running",
  DONE: "done",
  FAILED: "failed",
  SKIPPED: "skipped",
  CANCELLED: "cancelled",
};

export const REASON_WORDS: Record<RunReason, string> = {
  HELD: "Held",
  BLOCKED_BY_UNKNOWN_STAGE: "Blocked by an unknown stage",
  NEEDS_ATTENTION: "Needs attention",
  CRASHED: "Its worker crashed",
  ARCHIVED: "Archived in HubSpot",
  MERGED: "Merged into another deal",
  NOT_FOUND: "Not found in HubSpot",
  NOT_SELECTED: "In HubSpot before the first sync",
};

export const TRIGGER_WORDS: Record<RunTrigger, string> = {
  NEW: "new deal",
  RETRY: "retry",
  MANUAL: "requested",
  CHANGED: "deal changed",
  RECHECK: "rechecked",
};

/** A run with one of these statuses does not change any more. */
const FINAL: ReadonlySet<RunStatus> = new Set<RunStatus>(["DONE", "FAILED", "CANCELLED", "SKIPPED"]);

export function isFinal(status: RunStatus): boolean {
  return FINAL.has(status);
}
