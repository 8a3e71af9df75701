import { screen, within } from "@testing-library/react";
import { beforeEach, describe, expect, it } from "vitest";
import { Api, html, json } from "./api";
import { doneDeal, failedDeal, queuedDeal, runningDeal } from "./deals";
import { click, openPage, pass, settle } from "./open";

let api: Api;
beforeEach(() => {
  api = new Api();
});

function rowNames(): string[] {
  return screen.queryAllByRole("rowheader").map((cell) => cell.textContent);
}

function show(visibilityState: DocumentVisibilityState): void {
  Object.defineProperty(document, "visibilityState", { value: visibilityState, configurable: true });
  window.dispatchEvent(new Event("visibilitychange"));
}

describe("The queue", () => {
  it("shows one row a deal with its status, steps, owner, amount and age", async () => {
    api.deals = [runningDeal({ name: "Acme renewal" })];
    await openPage();
    const row = screen.getByRole("row", { name: /Acme renewal/ });
    expect(within(row).getByText("Running")).toBeTruthy();
    expect(within(row).getByRole("img", { name: "1 of 6 steps done; Validate running" })).toBeTruthy();
    expect(within(row).getByText("Maya Lindqvist")).toBeTruthy();
    expect(within(row).getByText("€1,200")).toBeTruthy();
    expect(within(row).getByText("12 s ago")).toBeTruthy();
  });

  it("names a deal that has no name in HubSpot by its id", async () => {
    api.deals = [queuedDeal({ name: null, hubspotDealId: "4711" })];
    await openPage();
    expect(screen.getByRole("link", { name: "Unnamed deal 4711" })).toBeTruthy();
  });

  it("says what a failed deal failed at, and lets ages and elapsed times tick by themselves", async () => {
    api.deals = [failedDeal(), runningDeal()];
    await openPage("/?live=off");
    expect(screen.getByText("Associate failed")).toBeTruthy();
    expect(screen.getByText("19 s")).toBeTruthy();
    await pass(1_000);
    expect(screen.getByText("20 s")).toBeTruthy();
    expect(screen.getAllByText("13 s ago")).toHaveLength(2);
  });

  it("says that it loads until the first answer, and never that there are no deals", async () => {
    api.outage = () => new Promise(() => {});
    await openPage();
    expect(screen.getByText("Loading deals")).toBeTruthy();
    expect(screen.queryByText("No deals yet")).toBeNull();
  });

  it("says what HubSpot must grant before deals continue, and how many wait for it", async () => {
    api.sync = { ...api.sync, accessWaits: [{ waitsFor: "the scope crm.objects.contacts.read", runs: 12 }] };
    await openPage();
    const text = "12 deals wait for the scope crm.objects.contacts.read";
    expect(screen.getByRole("button", { name: text }).dataset.state).toBe("late");
    expect(screen.getByText(`${text}. Once HubSpot grants it, processing continues by itself.`)).toBeTruthy();
  });

  it("says why a process does not start", async () => {
    const reason = "WRITE_BACK is on, but the HubSpot account has no property dealqueue_score of the right type.";
    api.sync = { ...api.sync, stoppedProcesses: [{ process: "worker", host: "one", reason }] };
    await openPage();
    expect(screen.getByRole("button", { name: `The worker does not start: ${reason}` }).dataset.state).toBe("failed");
    expect(screen.getByText(`The worker on one does not start: ${reason}`)).toBeTruthy();
  });

  it("says that there are no deals yet, why, and which stages a deal will go through", async () => {
    api.sync = { ...api.sync, lastSyncAt: null, lastError: "HubSpot answered 401." };
    await openPage();
    await settle();
    expect(screen.getByRole("heading", { name: "No deals yet" })).toBeTruthy();
    expect(screen.getByText("The last sync failed: HubSpot answered 401.")).toBeTruthy();
    expect(within(screen.getByRole("list", { name: /Stages/ })).getByText("Fetch")).toBeTruthy();
  });

  it("shows 50 more deals at a time, up to 200, and then says where the older ones are", async () => {
    api.deals = Array.from({ length: 250 }, () => doneDeal({ steps: [] }));
    await openPage();
    for (const more of [100, 150, 200]) {
      await click(screen.getByText("Show 50 more"));
      expect(document.querySelectorAll(".deal-row")).toHaveLength(more);
    }
    expect(screen.queryByText("Show 50 more")).toBeNull();
    expect(screen.getByText(/This page shows the 200 deals changed last/)).toBeTruthy();
  });
});

describe("Live", () => {
  it("asks again every 2 s and shows what changed", async () => {
    api.deals = [queuedDeal({ name: "Acme" })];
    await openPage();
    api.deals = [runningDeal({ id: api.deals[0]?.id ?? "", name: "Acme" })];
    expect(await api.countDuring("DealQueue", () => pass(2_000))).toBe(1);
    expect(screen.getByText("Running")).toBeTruthy();
    expect(await api.countDuring("DealQueue", () => pass(6_000))).toBe(3);
  });

  it("is off with ?live=off, and asks at once when it is switched on", async () => {
    await openPage("/?live=off");
    expect(await api.countDuring("DealQueue", () => pass(60_000))).toBe(0);
    expect(screen.getByText("Paused · updated 1 min ago")).toBeTruthy();
    const switchOn = () => click(screen.getByRole("switch", { name: "Live" }));
    expect(await api.countDuring("DealQueue", switchOn)).toBe(1);
    expect(location.search).toBe("");
  });

  it("never has two requests of one kind under way", async () => {
    await openPage();
    api.outage = () => new Promise(() => {});
    expect(await api.countDuring("DealQueue", () => pass(20_000))).toBe(1);
  });

  it("asks nothing while the tab is hidden, and at once when it is shown", async () => {
    await openPage();
    show("hidden");
    expect(await api.countDuring("DealQueue", () => pass(30_000))).toBe(0);
    show("visible");
    expect(await api.countDuring("DealQueue", settle)).toBe(1);
  });
});

describe("An outage", () => {
  it("shows a banner within one poll, keeps the rows, and asks after 2, 4, 8, 16 and 30 s", async () => {
    api.deals = [doneDeal({ name: "Acme" })];
    await openPage();
    api.outage = () => html(503);
    expect(await api.countDuring("DealQueue", () => pass(2_000))).toBe(1);
    expect(screen.getByRole("alert").textContent).toContain("The API does not answer (HTTP 503).");
    expect(rowNames()).toEqual(["Acme"]);
    for (const seconds of [2, 4, 8, 16, 30, 30]) {
      expect(await api.countDuring("DealQueue", () => pass(seconds * 1_000 - 100))).toBe(0);
      expect(await api.countDuring("DealQueue", () => pass(100))).toBe(1);
    }
    expect(screen.getByText("Last updated 1 min ago.")).toBeTruthy();
    expect(screen.getByText("Reconnecting · updated 1 min ago")).toBeTruthy();
  });

  it("ends with the first answer after Retry now", async () => {
    await openPage();
    api.outage = () => json(200, { errors: [{ message: "Boom.", extensions: { requestId: "r-1" } }] });
    await pass(4_000);
    expect(screen.getByRole("alert").textContent).toContain("Boom. Request id: r-1.");
    api.outage = null;
    await click(screen.getByRole("button", { name: "Retry now" }));
    expect(screen.queryByRole("alert")).toBeNull();
  });

  it("from the very start shows the banner alone, and Retry now does not wait for the back-off", async () => {
    api.outage = () => Promise.reject(new TypeError("refused"));
    await openPage();
    await pass(15_000);
    expect(screen.getByRole("alert").textContent).toContain("The API does not answer (no connection).");
    expect(screen.queryByText("No deals yet")).toBeNull();
    expect(screen.queryByText("Loading deals")).toBeNull();
    api.outage = null;
    api.deals = [doneDeal({ name: "Acme" })];
    await click(screen.getByRole("button", { name: "Retry now" }));
    expect(rowNames()).toEqual(["Acme"]);
  });
});

describe("The sync pill", () => {
  it.each([
    ["fine", { lastSyncAt: "2026-03-04T11:59:50Z", lastError: null }, "HubSpot sync 10 s ago"],
    ["late", { lastSyncAt: "2026-03-04T11:59:00Z", lastError: null }, "HubSpot sync 1 min ago"],
    ["waiting", { lastSyncAt: null, lastError: null }, "No HubSpot sync yet"],
    ["failed", { lastSyncAt: null, lastError: "HubSpot answered 401." }, "HubSpot sync failed: HubSpot answered 401."],
  ])("is %s when the sync is", async (state, sync, text) => {
    api.sync = { ...api.sync, ...sync };
    await openPage();
    const pill = screen.getByRole("button", { name: text });
    expect(pill.dataset.state).toBe(state);
  });

  it("says that deals are held, and by which command they are let go", async () => {
    api.sync = { ...api.sync, heldDeals: 30, rejectedRecords: 1 };
    await openPage();
    expect(screen.getByRole("button", { name: "30 deals held" }).dataset.state).toBe("late");
    expect(screen.getByText("python -m pipeline approve")).toBeTruthy();
    expect(screen.getByText("1 record could not be read; each sync retries.")).toBeTruthy();
    expect(screen.getByText("649,812 HubSpot calls left today.")).toBeTruthy();
  });

  it("names the records that could not be read, with the property and its value", async () => {
    const error = "Deal 7 has no modification time: property updatedAt: 'soon' is not a date.";
    api.sync = { ...api.sync, rejectedRecords: 1 };
    api.rejects = [{ id: "7", error }];
    await openPage();
    await settle();
    expect(screen.getByText(error)).toBeTruthy();
  });

  it("says that the account is being read for the first time", async () => {
    api.sync = { ...api.sync, backfilled: false, backlog: 12_000 };
    await openPage();
    expect(screen.getByText("The account is being read for the first time, 12,000 deals.")).toBeTruthy();
  });
});
