import type { ComponentProps } from "react";
import type { QueueDealFragment } from "../gql/generated";
import { DealRow } from "./DealRow";

type Props = {
  rows: QueueDealFragment[];
  current: QueueDealFragment[];
  openId: string | null;
  onOpen: (id: string) => void;
  watch: ComponentProps<"table">;
};

export function DealTable({ rows, current, openId, onOpen, watch }: Props) {
  const inList = new Set(current.map((deal) => deal.id));
  return (
    <table className="deal-table" aria-label="Deal queue" {...watch}>
      <Columns />
      <tbody>
        {rows.map((deal) => (
          <DealRow
            key={deal.id}
            deal={deal}
            gone={!inList.has(deal.id)}
            selected={deal.id === openId}
            onOpen={onOpen}
          />
        ))}
      </tbody>
    </table>
  );
}

export function Columns() {
  return (
    <thead>
      <tr>
        <th scope="col" className="status">
          Status
        </th>
        <th scope="col" className="deal">
          Deal
        </th>
        <th scope="col" className="steps">
          Steps
        </th>
        <th scope="col" className="now">
          Now
        </th>
        <th scope="col" className="owner">
          Owner
        </th>
        <th scope="col" className="amount">
          Amount
        </th>
        <th scope="col" className="updated" aria-sort="descending">
          Updated
        </th>
      </tr>
    </thead>
  );
}
