import type { ReactNode } from "react";
import type { DealDetailQuery, QueueDealFragment } from "../gql/generated";
import { formatAmount } from "../queue/dealText";
import { Age } from "../time/Age";
import { Elapsed } from "../time/Elapsed";
import { formatDay } from "../time/format";
import { REASON_WORDS, TRIGGER_WORDS } from "../words";

type Detail = NonNullable<DealDetailQuery["deal"]>;
type Props = { deal: QueueDealFragment; detail: Detail | undefined };

/** The deal's properties; those without a value are omitted. */
export function Facts({ deal, detail }: Props) {
  return (
    <section className="facts" aria-label="Facts">
      <dl>
        <Fact name="Reason">{deal.reason && REASON_WORDS[deal.reason]}</Fact>
        <Fact name="Waits for">{deal.waitsFor}</Fact>
        <Fact name="Amount">{formatAmount(deal.amount, deal.currency)}</Fact>
        <Fact name="Owner">{deal.ownerName}</Fact>
        <Fact name="HubSpot stage">{detail && (detail.hubspotStageLabel ?? detail.hubspotStage)}</Fact>
        <Fact name="Close date">{detail?.closeDate && formatDay(detail.closeDate)}</Fact>
        <Fact name="HubSpot id">{<code>{deal.hubspotDealId}</code>}</Fact>
        <Fact name="First seen">{<Age at={deal.createdAt} />}</Fact>
        {detail?.runs[0] && <RunFacts run={detail.runs[0]} />}
      </dl>
    </section>
  );
}

function RunFacts({ run }: { run: Detail["runs"][number] }) {
  return (
    <>
      <Fact name="Run">{`${run.number} (${TRIGGER_WORDS[run.trigger]})`}</Fact>
      <Fact name="Waited in queue">{<Elapsed startedAt={run.createdAt} endedAt={run.startedAt ?? run.endedAt} />}</Fact>
      <Fact name="Total time">{run.startedAt && <Elapsed startedAt={run.startedAt} endedAt={run.endedAt} />}</Fact>
    </>
  );
}

function Fact({ name, children }: { name: string; children: ReactNode }) {
  if (children == null || children === "") return null;
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}
