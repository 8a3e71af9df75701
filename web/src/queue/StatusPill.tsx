import type { RunReason, RunStatus } from "../gql/generated";
import { REASON_WORDS, RUN_WORDS } from "../words";

type Props = { status: RunStatus; reason: RunReason | null };

export function StatusPill({ status, reason }: Props) {
  return (
    <span className="status-pill" data-status={status} title={reason ? REASON_WORDS[reason] : undefined}>
      {RUN_WORDS[status]}
    </span>
  );
}
