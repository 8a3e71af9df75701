import type { DetailRunFragment } from "../gql/generated";
import { StatusPill } from "../queue/StatusPill";
import { Age } from "../time/Age";
import { Elapsed } from "../time/Elapsed";
import { TRIGGER_WORDS } from "../words";
import { StageList } from "./StageList";

export function EarlierRuns({ runs }: { runs: readonly DetailRunFragment[] }) {
  if (runs.length === 0) return null;
  return (
    <details className="earlier">
      <summary>{runs.length === 1 ? "1 earlier run" : `${runs.length} earlier runs`}</summary>
      {runs.map((run) => (
        <details key={run.id} className="earlier-run">
          <summary>
            <span>{`Run ${run.number}, ${TRIGGER_WORDS[run.trigger]}`}</span>
            <StatusPill status={run.status} reason={run.reason} />
            <Elapsed startedAt={run.startedAt} endedAt={run.endedAt} />
            <Age at={run.createdAt} />
          </summary>
          <StageList steps={run.steps} />
        </details>
      ))}
    </details>
  );
}
