import { type MouseEvent, memo } from "react";
import type { QueueDealFragment } from "../gql/generated";
import { Age } from "../time/Age";
import { Elapsed } from "../time/Elapsed";
import { addressOf } from "../url/pageState";
import { dealName, formatAmount, whatNow } from "./dealText";
import { StatusPill } from "./StatusPill";
import { StepDots } from "./StepDots";
import { useChangedMark } from "./useChangedMark";
import { selectsIn } from "./useReading";

type Props = {
  deal: QueueDealFragment;
  /** The deal has left the list while the order is held: shown as last read. */
  gone: boolean;
  selected: boolean;
  /** Must be the same function in every render, else every row renders with every poll. */
  onOpen: (id: string) => void;
};

/** A click anywhere opens the deal; keyboard users have the row's link. */
export const DealRow = memo(function DealRow({ deal, gone, selected, onOpen }: Props) {
  const mark = useChangedMark(deal.updatedAt);
  const open = (event: MouseEvent<HTMLElement>) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey || event.altKey || selectsIn(event.currentTarget)) return;
    event.preventDefault();
    onOpen(deal.id);
  };
  return (
    <tr {...mark} className="deal-row" data-gone={gone} data-selected={selected} onClick={open}>
      <td className="status">
        <StatusPill status={deal.status} reason={deal.reason} />
      </td>
      <th scope="row" className="deal">
        <a className="deal-link" data-deal={deal.id} href={addressOf({ dealId: deal.id })} title={dealName(deal)}>
          <bdi>{dealName(deal)}</bdi>
        </a>
      </th>
      <td className="steps">
        <StepDots steps={deal.steps} />
      </td>
      <td className="now">
        <NowCell deal={deal} />
      </td>
      <td className="owner">{deal.ownerName ? <bdi>{deal.ownerName}</bdi> : <None />}</td>
      <td className="amount numbers">{formatAmount(deal.amount, deal.currency) ?? <None />}</td>
      <td className="updated numbers">
        <Age at={deal.updatedAt} />
      </td>
    </tr>
  );
});

function NowCell({ deal }: { deal: QueueDealFragment }) {
  const now = whatNow(deal);
  if (!now) return <None />;
  return (
    <>
      {now.startedAt ? `${now.text} · ` : now.text}
      <Elapsed startedAt={now.startedAt} endedAt={now.endedAt} />
    </>
  );
}

function None() {
  return (
    <span className="none">
      <span aria-hidden="true">–</span>
      <span className="visually-hidden">none</span>
    </span>
  );
}
