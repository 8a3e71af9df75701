import { beforeEach, expect, it, vi } from "vitest";
import { Api } from "./api";
import { at, doneDeal } from "./deals";
import { openPage, pass } from "./open";

const rendered = new Set<string>();

vi.mock("../src/time/Age", () => ({
  Age: ({ at }: { at: string }) => {
    rendered.add(at);
    return null;
  },
}));

const deals = [1, 2, 3, 4, 5].map((minutes) => doneDeal({ updatedAt: at(60 * minutes) }));
const changed = { ...deals[4], updatedAt: at(1), status: "FAILED" } as (typeof deals)[number];

let api: Api;
beforeEach(async () => {
  api = new Api();
  api.sync.lastSyncAt = null;
  api.deals = deals;
  await openPage();
  rendered.clear();
});

it("A poll that changes nothing renders no row", async () => {
  api.deals = structuredClone(deals);
  await pass(2_000);
  expect(rendered).toEqual(new Set());
});

it("A deal that changes and moves to the top is the only row that renders", async () => {
  api.deals = structuredClone([changed, ...deals.slice(0, 4)]);
  await pass(2_000);
  expect(rendered).toEqual(new Set([changed.updatedAt]));
});
