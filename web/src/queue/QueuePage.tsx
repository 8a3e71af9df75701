import { OutageBanner } from "../frame/OutageBanner";
import { TopBar } from "../frame/TopBar";
import { HelpDialog } from "../help/HelpDialog";
import { DealSheet } from "../sheet/DealSheet";
import { DealList } from "./DealList";
import { dealName } from "./dealText";
import { closeDeal } from "./navigation";
import { useQueuePage } from "./useQueuePage";

type Props = { onSignOut: () => Promise<string | null> };

export function QueuePage({ onSignOut }: Props) {
  const page = useQueuePage();
  const { dealId, live, queue } = page;
  const listed = page.order.rows.find((deal) => deal.id === dealId);
  return (
    <>
      <title>{listed ? `${dealName(listed)} · Deal Queue` : "Deal Queue"}</title>
      <a className="skip-link" href="#deals">
        Skip to the deals
      </a>
      <TopBar page={page} onSignOut={onSignOut} />
      <div className="layout">
        <main id="deals" ref={page.main} tabIndex={-1}>
          {queue.outage && <OutageBanner outage={queue.outage} queryKey={queue.queryKey} onRetry={queue.retry} />}
          <DealList page={page} />
        </main>
        {dealId !== null && (
          <DealSheet id={dealId} live={live} listed={listed} onClose={() => closeDeal(dealId)} onStep={page.walk} />
        )}
      </div>
      <HelpDialog dialog={page.help} />
    </>
  );
}
