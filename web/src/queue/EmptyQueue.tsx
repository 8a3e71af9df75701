import { usePipelineQuery, useSyncStatusQuery } from "../gql/generated";
import { Age } from "../time/Age";
import { StepShape } from "./StepShape";

/** Before the first deal: what will happen, and what may prevent it. */
export function EmptyQueue() {
  const sync = useSyncStatusQuery().data?.syncStatus;
  return (
    <section className="notice" aria-label="Empty queue">
      <StagesAhead />
      <h2>No deals yet</h2>
      <p>The first HubSpot sync fills this page.</p>
      {sync && (
        <p className="fine">
          {sync.lastError ? `The last sync failed: ${sync.lastError}` : <SyncState at={sync.lastSyncAt} />}
        </p>
      )}
    </section>
  );
}

function SyncState({ at }: { at: string | null }) {
  if (at === null) return "No sync has finished yet. If this persists, check that the scheduler process is running.";
  return (
    <>
      The last sync ended <Age at={at} /> and found no deals: check that the HubSpot token can read them.
    </>
  );
}

function StagesAhead() {
  const stages = usePipelineQuery(undefined, { staleTime: Number.POSITIVE_INFINITY }).data?.pipeline;
  return (
    <ol className="stages-ahead" aria-label="Stages each deal goes through">
      {stages?.map((stage) => (
        <li key={stage.key}>
          <svg viewBox="0 0 16 16" aria-hidden="true">
            <StepShape status="PENDING" />
          </svg>
          {stage.label}
        </li>
      ))}
    </ol>
  );
}
