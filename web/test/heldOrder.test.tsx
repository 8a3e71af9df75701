import { fireEvent, screen } from "@testing-library/react";
import { beforeEach, describe, expect, it } from "vitest";
import type { QueueDealFragment } from "../src/gql/generated";
import { holdOrder } from "../src/queue/heldOrder";
import { Api } from "./api";
import { doneDeal, queuedDeal, runningDeal } from "./deals";
import { click, openPage, pass, press, settle } from "./open";

const [first, second, third] = ["First", "Second", "Third"].map((name) => doneDeal({ name })) as [
  QueueDealFragment,
  QueueDealFragment,
  QueueDealFragment,
];

describe("Holding the order", () => {
  it("gives the same rows when nothing changed", () => {
    const shown = [first, second];
    expect(holdOrder(shown, [second, first])).toBe(shown);
  });

  it("changes a row in its place", () => {
    const changed = { ...second, status: "FAILED" as const };
    expect(holdOrder([first, second], [changed, first])).toEqual([first, changed]);
  });

  it("keeps a deal that left the list as it was last seen", () => {
    expect(holdOrder([first, second], [first])).toEqual([first, second]);
  });

  it("adds what stands below everything shown, and lets all else wait", () => {
    const above = queuedDeal();
    expect(holdOrder([first, second], [above, first, second, third])).toEqual([first, second, third]);
  });
});

describe("The order on the page", () => {
  let api: Api;
  beforeEach(async () => {
    api = new Api();
    api.deals = [first, second];
    await openPage();
  });

  const rows = () => screen.getAllByRole("rowheader").map((cell) => cell.textContent);
  const arrive = () => {
    api.deals = [queuedDeal({ name: "New" }), { ...second, updatedAt: first.updatedAt }, first];
    return pass(2_000);
  };

  it("follows the list while nobody reads it", async () => {
    await arrive();
    expect(rows()).toEqual(["New", "Second", "First"]);
    expect(screen.queryByRole("button", { name: /new deal/ })).toBeNull();
  });

  it("is held while the pointer is in the table, and taken over when it leaves", async () => {
    fireEvent.pointerEnter(screen.getByRole("table"));
    await arrive();
    expect(rows()).toEqual(["First", "Second"]);
    expect(screen.getByRole("button", { name: "1 new deal" })).toBeTruthy();
    fireEvent.pointerLeave(screen.getByRole("table"));
    expect(rows()).toEqual(["New", "Second", "First"]);
  });

  it("is held while the focus is in the table, until the new deals are asked for", async () => {
    screen.getByRole("link", { name: "First" }).focus();
    await arrive();
    expect(rows()).toEqual(["First", "Second"]);
    await click(screen.getByRole("button", { name: "1 new deal" }));
    expect(rows()).toEqual(["New", "Second", "First"]);
    expect(document.activeElement).toBe(screen.getByRole("main"));
  });

  it("is held while the page is scrolled, until n is pressed", async () => {
    Object.defineProperty(window, "scrollY", { value: 400, configurable: true });
    fireEvent.scroll(window);
    await arrive();
    expect(rows()).toEqual(["First", "Second"]);
    Object.defineProperty(window, "scrollY", { value: 0, configurable: true });
    await press("n");
    expect(rows()).toEqual(["New", "Second", "First"]);
  });

  it("is held while a sheet is open, with the rows changing in their places", async () => {
    await click(screen.getByRole("link", { name: "First" }));
    api.deals = [runningDeal({ id: second.id, name: "Second" }), first];
    await pass(2_000);
    expect(rows()).toEqual(["First", "Second"]);
    expect(screen.getByText("Running")).toBeTruthy();
  });

  it("dims a deal that left the list until the order is released", async () => {
    fireEvent.pointerEnter(screen.getByRole("table"));
    api.deals = [first];
    await pass(2_000);
    expect(screen.getByRole("row", { name: /Second/ }).dataset.gone).toBe("true");
    fireEvent.pointerLeave(screen.getByRole("table"));
    expect(rows()).toEqual(["First"]);
  });

  it("tells listeners of new deals politely, and not at once", async () => {
    fireEvent.pointerEnter(screen.getByRole("table"));
    await arrive();
    const said = () => screen.getAllByRole("status").map((status) => status.textContent);
    expect(said()).toEqual([""]);
    await pass(3_000);
    api.deals = [queuedDeal({ name: "Newer" }), ...api.deals];
    await pass(2_000);
    await settle();
    expect(said()).toEqual(["2 new deals"]);
  });
});
