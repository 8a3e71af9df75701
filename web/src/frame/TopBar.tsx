import { Mark } from "../brand/Mark";
import type { Page } from "../queue/useQueuePage";
import { Freshness } from "./Freshness";
import { LiveSwitch } from "./LiveSwitch";
import { Menu } from "./Menu";
import { SyncPill } from "./SyncPill";

type Props = { page: Page; onSignOut: () => Promise<string | null> };

export function TopBar({ page: { live, queue, setLive, showHelp }, onSignOut }: Props) {
  return (
    <header className="top-bar">
      <Mark />
      <h1>Deal queue</h1>
      <Freshness live={live} down={queue.outage !== null} queryKey={queue.queryKey} />
      <SyncPill live={live} />
      <span className="push" />
      <LiveSwitch live={live} onChange={setLive} />
      <Menu onHelp={showHelp} onSignOut={onSignOut} />
    </header>
  );
}
