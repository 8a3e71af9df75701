import { useEffect, useId, useRef } from "react";
import type { QueueDealFragment } from "../gql/generated";
import { dealName } from "../queue/dealText";
import { StatusPill } from "../queue/StatusPill";
import { Age } from "../time/Age";
import { EarlierRuns } from "./EarlierRuns";
import { Facts } from "./Facts";
import { NextTry } from "./NextTry";
import { SheetButtons } from "./SheetButtons";
import { StageList } from "./StageList";
import { useDealDetail } from "./useDealDetail";

type Props = {
  id: string;
  live: boolean;
  /** The same deal in the list, shown until its details are loaded. */
  listed: QueueDealFragment | undefined;
  onClose: () => void;
  onStep: (by: 1 | -1) => void;
};

/** Not modal: the list beside it stays live and usable. */
export function DealSheet({ id, live, listed, onClose, onStep }: Props) {
  const { deal: detail, problem, refetch } = useDealDetail(id, live, listed);
  const titleId = useId();
  const title = useRef<HTMLHeadingElement>(null);
  // biome-ignore lint/correctness/useExhaustiveDependencies: another deal in the same sheet is announced as well
  useEffect(() => title.current?.focus({ preventScroll: true }), [id]);
  const deal = detail ?? listed;
  return (
    <section className="sheet" role="dialog" aria-labelledby={titleId}>
      <div className="sheet-head">
        <h2 id={titleId} ref={title} tabIndex={-1}>
          <bdi>{deal ? dealName(deal) : detail === null ? "Deal not found" : "Loading deal"}</bdi>
        </h2>
        <SheetButtons onClose={onClose} onStep={onStep} />
      </div>
      {deal && <Summary deal={deal} detail={detail ?? undefined} />}
      {detail === null && (
        <p className="sheet-note">{`There is no deal with the id ${id}. It may have been removed.`}</p>
      )}
      {problem && !detail && <Problem message={problem.message} onRetry={() => refetch()} />}
      {deal && <Body deal={deal} detail={detail ?? undefined} />}
    </section>
  );
}

type Known = { deal: QueueDealFragment; detail: ReturnType<typeof useDealDetail>["deal"] | undefined };

function Summary({ deal, detail }: Known) {
  const run = detail?.runs[0];
  return (
    <p className="summary">
      <StatusPill status={deal.status} reason={deal.reason} />
      {run?.nextAttemptAt && run.status === "RETRYING" && !run.waitsFor && <NextTry at={run.nextAttemptAt} />}
      <span>
        updated <Age at={deal.updatedAt} />
      </span>
    </p>
  );
}

function Body({ deal, detail }: Known) {
  return (
    <>
      <StageList steps={detail?.runs[0]?.steps ?? deal.steps} />
      <Facts deal={deal} detail={detail ?? undefined} />
      <EarlierRuns runs={detail?.runs.slice(1) ?? []} />
    </>
  );
}

function Problem({ message, onRetry }: { message: string; onRetry: () => void }) {
  return (
    <p className="sheet-note" role="status">
      {`The details could not be read. ${message} `}
      <button type="button" className="button" onClick={onRetry}>
        Try again
      </button>
    </p>
  );
}
