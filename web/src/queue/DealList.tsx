import { DealTable } from "./DealTable";
import { EmptyQueue } from "./EmptyQueue";
import { LoadingRows } from "./LoadingRows";
import { NewDealsPill } from "./NewDealsPill";
import { openDeal } from "./navigation";
import { OlderDeals } from "./OlderDeals";
import type { Page } from "./useQueuePage";

/** The rows, or their placeholder. During an outage before the first response there is only the banner. */
export function DealList({ page }: { page: Page }) {
  const { queue, order, limit } = page;
  if (!queue.loaded) return queue.outage ? null : <LoadingRows />;
  if (order.rows.length === 0) return <EmptyQueue />;
  return (
    <>
      <NewDealsPill count={order.waiting} onShow={page.showNew} />
      <DealTable rows={order.rows} current={queue.deals} openId={page.dealId} onOpen={openDeal} watch={page.watch} />
      <OlderDeals limit={limit} hasOlder={queue.hasOlder} loading={queue.loadingMore} onMore={page.setLimit} />
    </>
  );
}
