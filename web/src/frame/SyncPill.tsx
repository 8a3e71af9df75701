import { serverClock } from "../api/serverClock";
import { type SyncStatusQuery, useSyncStatusQuery } from "../gql/generated";
import { livePolling } from "../live/policy";
import { Age } from "../time/Age";
import { formatFull } from "../time/format";
import { RejectedRecords } from "./RejectedRecords";

type Sync = SyncStatusQuery["syncStatus"];

const SLOWEST_POLL_MS = 10_000;
/** A sync may take as long as its interval; three intervals without one are a fault. */
const LATE_INTERVALS = 3;

/** When HubSpot was last read: a stopped sync must never look like a day without changes. */
export function SyncPill({ live }: { live: boolean }) {
  const { data, dataUpdatedAt } = useSyncStatusQuery(undefined, livePolling(live, pollEvery));
  if (!data) return null;
  const sync = data.syncStatus;
  return (
    <>
      <button
        type="button"
        className="sync-pill"
        data-state={syncState(sync, dataUpdatedAt)}
        popoverTarget="sync-details"
      >
        <PillText sync={sync} />
      </button>
      <div id="sync-details" popover="auto" className="panel">
        <h2>HubSpot sync</h2>
        <Details sync={sync} />
      </div>
    </>
  );
}

/** Computed at the time of the response: while the API is unavailable, the age grows although the sync is not late. */
export function syncState(sync: Sync, readAt: number): "failed" | "waiting" | "late" | "fine" {
  if (sync.lastError !== null || sync.stoppedProcesses.length > 0) return "failed";
  if (sync.heldDeals > 0 || sync.accessWaits.length > 0) return "late";
  if (sync.lastSyncAt === null) return "waiting";
  const age = readAt + serverClock.offset - Date.parse(sync.lastSyncAt);
  return age > LATE_INTERVALS * sync.intervalSeconds * 1_000 ? "late" : "fine";
}

function pollEvery(data: SyncStatusQuery | undefined): number {
  return Math.min((data?.syncStatus.intervalSeconds ?? 0) * 1_000 || SLOWEST_POLL_MS, SLOWEST_POLL_MS);
}

function PillText({ sync }: { sync: Sync }) {
  const [stopped] = sync.stoppedProcesses;
  if (stopped) return `The ${stopped.process} does not start: ${stopped.reason}`;
  if (sync.lastError !== null) return `HubSpot sync failed: ${sync.lastError}`;
  if (sync.lastSyncAt === null) return "No HubSpot sync yet";
  if (sync.heldDeals > 0) return `${counted(sync.heldDeals, "deal")} held`;
  const [wait] = sync.accessWaits;
  if (wait) return `${waiting(wait.runs)} for ${wait.waitsFor}`;
  return (
    <>
      HubSpot sync <Age at={sync.lastSyncAt} />
    </>
  );
}

function Details({ sync }: { sync: Sync }) {
  return (
    <>
      <p>{`HubSpot is read every ${sync.intervalSeconds} s.`}</p>
      <p>{sync.lastSyncAt ? `Last success: ${formatFull(sync.lastSyncAt)}` : "No sync has succeeded yet."}</p>
      {sync.lastError && <p className="problem">{`Last attempt: ${sync.lastError}`}</p>}
      {sync.stoppedProcesses.map(({ process, host, reason }) => (
        <p key={`${process} ${host}`} className="problem">
          {`The ${process} on ${host} does not start: ${reason}`}
        </p>
      ))}
      {sync.accessWaits.map(({ waitsFor, runs }) => (
        <p key={waitsFor} className="problem">
          {`${waiting(runs)} for ${waitsFor}. Once HubSpot grants it, processing continues by itself.`}
        </p>
      ))}
      <Backfill sync={sync} />
      {sync.heldDeals > 0 && (
        <p className="problem">
          {`${counted(sync.heldDeals, "deal")} arrived or changed at once, and wait for approval. To process them: `}
          <code>python -m pipeline approve</code>
        </p>
      )}
      <RejectedRecords count={sync.rejectedRecords} />
      {sync.callsLeftToday !== null && <p>{`${sync.callsLeftToday.toLocaleString()} HubSpot calls left today.`}</p>}
    </>
  );
}

function Backfill({ sync }: { sync: Sync }) {
  if (sync.backfilled || sync.lastSyncAt === null) return null;
  const many = sync.backlog === null ? "" : `, ${counted(sync.backlog, "deal")}`;
  return <p>{`The account is being read for the first time${many}.`}</p>;
}

function waiting(deals: number): string {
  return deals === 1 ? "1 deal waits" : `${deals.toLocaleString()} deals wait`;
}

function counted(number: number, what: string): string {
  return `${number.toLocaleString()} ${what}${number === 1 ? "" : "s"}`;
}
