import { screen, within } from "@testing-library/react";
import { beforeEach, describe, expect, it } from "vitest";
import { Api, html } from "./api";
import { at, doneDeal, failedDeal, runningDeal, runOf, steps } from "./deals";
import { click, openPage, pass, press } from "./open";

const acme = runningDeal({ name: "Acme" });
const bolt = doneDeal({ name: "Bolt" });

let api: Api;
beforeEach(() => {
  api = new Api();
  api.deals = [acme, bolt];
});

const sheet = (name: string) => screen.getByRole("dialog", { name });
const stages = () => within(screen.getByRole("list", { name: "Stages" })).getAllByRole("listitem");

describe("The sheet", () => {
  it("opens from the row, has the focus on its title, and is in the address", async () => {
    await openPage();
    await click(screen.getByRole("row", { name: /Acme/ }));
    expect(document.activeElement).toBe(within(sheet("Acme")).getByRole("heading", { name: "Acme" }));
    expect(location.search).toBe(`?deal=${acme.id}`);
  });

  it("closes with Escape, and gives the focus back to the row", async () => {
    await openPage();
    await click(screen.getByRole("link", { name: "Bolt" }));
    await press("Escape");
    expect(screen.queryByRole("dialog")).toBeNull();
    expect(document.activeElement).toBe(screen.getByRole("link", { name: "Bolt" }));
    expect(location.search).toBe("");
  });

  it("opens from its own address, for a deal that is not in the list too", async () => {
    const old = doneDeal({ name: "Old" });
    api.unlisted = [old];
    await openPage(`/?deal=${old.id}`);
    expect(stages()).toHaveLength(6);
    expect(sheet("Old")).toBeTruthy();
  });

  it("says that there is no such deal", async () => {
    await openPage("/?deal=gone");
    expect(sheet("Deal not found").textContent).toContain("There is no deal with the id gone.");
    await click(screen.getByRole("button", { name: "Close" }));
    expect(document.activeElement).toBe(screen.getByRole("main"));
  });

  it("shows every stage in order with its word, its duration, its attempts and its error", async () => {
    const [fetch, validate, associate, ...rest] = steps("DONE", "DONE", "FAILED");
    const error = { type: "RateLimited", message: "HubSpot answered 429." };
    const failed = failedDeal({ name: "Core" });
    api.deals = [failed];
    const tried = { ...associate, attempts: 3, error } as (typeof rest)[number];
    api.details = {
      [failed.id]: {
        runs: [runOf(failed, { steps: [{ ...fetch, output: { calls: 2 } }, validate, tried, ...rest] as typeof rest })],
      },
    };
    await openPage(`/?deal=${failed.id}`);
    const texts = stages().map((item) => item.textContent);
    expect(texts).toHaveLength(6);
    expect(texts[0]).toMatch(/^Fetchdone1\.0 s.*Output\{\s*"calls": 2\s*\}$/s);
    expect(texts[2]).toMatch(/^Associatefailed1\.0 s.*attempt 3RateLimitedHubSpot answered 429\.$/s);
    expect(texts[5]).toBe("Write backwaiting");
    expect(screen.getByText("Needs attention")).toBeTruthy();
  });

  it("says from which run a stage was carried over, and gives it no time of this one", async () => {
    const [fetch, validate, ...rest] = steps("DONE", "DONE", "DONE");
    const carried = { startedAt: null, endedAt: null, attempts: 0, isCarriedOver: true, output: { findings: 2 } };
    const deal = runningDeal({ name: "Core" });
    api.deals = [deal];
    const all = [{ ...fetch, ...carried, carriedOverFrom: 1 }, { ...validate, ...carried }, ...rest] as typeof rest;
    api.details = { [deal.id]: { runs: [runOf(deal, { number: 3, steps: all })] } };
    await openPage(`/?deal=${deal.id}`);
    const texts = stages().map((item) => item.textContent);
    expect(texts[0]).toMatch(/^Fetchdonecarried over from run 1Output/);
    expect(texts[1]).toMatch(/^Validatedonecarried over from an earlier runOutput/);
    expect(texts[2]).toMatch(/^Associatedone1\.0 s/);
  });

  it("says when a retrying run tries again, and folds the earlier runs", async () => {
    const deal = runningDeal({ name: "Core", status: "RETRYING" });
    api.deals = [deal];
    const run = runOf(deal, { id: "run-2", number: 2, trigger: "CHANGED", nextAttemptAt: at(-30) });
    api.details = { [deal.id]: { runs: [run, runOf(deal, { status: "FAILED" })] } };
    await openPage(`/?deal=${deal.id}`);
    expect(screen.getByText("retry in 30 s")).toBeTruthy();
    expect(screen.getByText("2 (deal changed)")).toBeTruthy();
    const earlier = screen.getByText("1 earlier run").closest("details");
    expect(earlier?.open).toBe(false);
    expect(within(earlier as HTMLElement).getByText("Run 1, new deal")).toBeTruthy();
  });

  it("says what a retrying run waits for instead of when it tries again", async () => {
    const deal = runningDeal({ name: "Core", status: "RETRYING", waitsFor: "the scope crm.objects.contacts.read" });
    api.deals = [deal];
    api.details = { [deal.id]: { runs: [runOf(deal, { nextAttemptAt: at(-60_000) })] } };
    await openPage(`/?deal=${deal.id}`);
    expect(within(sheet("Core")).getByText("the scope crm.objects.contacts.read")).toBeTruthy();
    expect(within(sheet("Core")).queryByText(/^retry in/)).toBeNull();
  });

  it("walks from deal to deal with j and k", async () => {
    await openPage(`/?deal=${acme.id}`);
    await press("j");
    expect(sheet("Bolt")).toBeTruthy();
    await press("j");
    expect(sheet("Bolt")).toBeTruthy();
    await press("k");
    expect(sheet("Acme")).toBeTruthy();
  });

  it("asks for the details again while the run goes on, and not once it is over", async () => {
    await openPage(`/?deal=${acme.id}`);
    expect(await api.countDuring("DealDetail", () => pass(6_000))).toBe(3);
    api.deals = [doneDeal({ id: acme.id, name: "Acme", updatedAt: at(1) }), bolt];
    await pass(2_000);
    expect(within(sheet("Acme")).getByText("Done")).toBeTruthy();
    expect(await api.countDuring("DealDetail", () => pass(20_000))).toBe(0);
  });

  it("reads the details of a finished deal again when the list shows a newer state", async () => {
    await openPage(`/?deal=${bolt.id}`);
    api.deals = [runningDeal({ id: bolt.id, name: "Bolt", updatedAt: at(1) })];
    await pass(2_000);
    expect(within(sheet("Bolt")).getByText("Running")).toBeTruthy();
  });

  it("shows what the list knows when the details cannot be read, and says so", async () => {
    await openPage("/?live=off");
    api.outage = () => html(502);
    await click(screen.getByRole("link", { name: "Acme" }));
    expect(stages()).toHaveLength(6);
    expect(within(sheet("Acme")).getByRole("status").textContent).toContain("The API does not answer (HTTP 502).");
  });
});
