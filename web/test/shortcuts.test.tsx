import { fireEvent, screen } from "@testing-library/react";
import { beforeEach, describe, expect, it } from "vitest";
import { Api } from "./api";
import { doneDeal } from "./deals";
import { click, openPage, press } from "./open";

beforeEach(async () => {
  const api = new Api();
  api.deals = [doneDeal({ name: "Acme" }), doneDeal({ name: "Bolt" })];
  await openPage();
});

const live = () => screen.getByRole("switch", { name: "Live" }).getAttribute("aria-checked");

describe("The keyboard", () => {
  it("moves from row to row with j and k, and stops at the ends", async () => {
    for (const [key, name] of [
      ["j", "Acme"],
      ["j", "Bolt"],
      ["j", "Bolt"],
      ["k", "Acme"],
    ] as const) {
      await press(key);
      expect(document.activeElement?.textContent).toBe(name);
    }
  });

  it("switches Live with l, but not with Ctrl-l", async () => {
    fireEvent.keyDown(document.body, { key: "l", ctrlKey: true });
    expect(live()).toBe("true");
    await press("l");
    expect(live()).toBe("false");
    expect(location.search).toBe("?live=off");
  });

  it("shows its help with ?, does nothing else while it is open, and lets single keys be switched off for good", async () => {
    await press("?");
    const help = screen.getByRole<HTMLDialogElement>("dialog", { name: "Keyboard shortcuts" });
    expect(help.open).toBe(true);
    await press("l");
    expect(live()).toBe("true");
    await click(screen.getByRole("checkbox", { name: "Single-key shortcuts" }));
    help.close();
    await press("l");
    expect(live()).toBe("true");
  });

  it("leaves text fields alone", async () => {
    const field = document.body.appendChild(document.createElement("textarea"));
    field.focus();
    await press("l");
    expect(live()).toBe("true");
    field.remove();
  });
});
