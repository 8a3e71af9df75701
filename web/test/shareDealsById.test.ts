import { describe, expect, it } from "vitest";
import type { DealQueueQuery, QueueDealFragment } from "../src/gql/generated";
import { shareDealsById } from "../src/live/shareDealsById";
import { doneDeal, runningDeal } from "./deals";

const acme = doneDeal();
const bolt = runningDeal();

function answer(items: QueueDealFragment[], nextBefore: string | null = null): DealQueueQuery {
  return { dealQueue: structuredClone({ items, nextBefore }) };
}

function share(previous: DealQueueQuery, next: DealQueueQuery): DealQueueQuery {
  return shareDealsById(previous, next) as DealQueueQuery;
}

describe("Sharing deals by id", () => {
  it("gives the previous answer itself when nothing changed", () => {
    const previous = answer([acme, bolt], "c");
    expect(share(previous, answer([acme, bolt], "c"))).toBe(previous);
    expect(share(previous, previous)).toBe(previous);
  });

  it("keeps every deal that did not change, wherever it stands now", () => {
    const previous = answer([acme, bolt]);
    const next = share(previous, answer([{ ...bolt, status: "FAILED" }, acme]));
    expect(next.dealQueue.items[1]).toBe(previous.dealQueue.items[0]);
    expect(next.dealQueue.items[0]).toMatchObject({ id: bolt.id, status: "FAILED" });
  });

  it("gives a new answer when only the order, the length or the cursor changed", () => {
    const previous = answer([acme, bolt], "c");
    expect(share(previous, answer([bolt, acme], "c")).dealQueue.items.map((deal) => deal.id)).toEqual([
      bolt.id,
      acme.id,
    ]);
    expect(share(previous, answer([acme], "c")).dealQueue.items).toHaveLength(1);
    expect(share(previous, answer([acme, bolt], "d")).dealQueue.nextBefore).toBe("d");
  });

  it("takes the first answer as it is", () => {
    const first = answer([acme]);
    expect(shareDealsById(undefined, first)).toBe(first);
  });
});
