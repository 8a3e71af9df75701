import { fireEvent, screen } from "@testing-library/react";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { nextPath } from "../src/session/next";
import { Api, json } from "./api";
import { doneDeal } from "./deals";
import { click, openPage, pass, settle } from "./open";

let api: Api;
beforeEach(() => {
  api = new Api();
  api.deals = [doneDeal({ name: "Acme" })];
});

async function signIn(token: string): Promise<void> {
  const field = screen.getByLabelText<HTMLInputElement>("Access token");
  fireEvent.change(field, { target: { value: token } });
  if (field.form) fireEvent.submit(field.form);
  await settle();
}

describe("Signing in", () => {
  it("is asked for without a session, with a hint where the token lies", async () => {
    api.expects = "secret";
    await openPage();
    expect(screen.getByRole("heading", { name: "Sign in to Deal Queue" })).toBeTruthy();
    expect(screen.getByText(".data/admin-token")).toBeTruthy();
    expect(screen.getByRole("alert").textContent).toBe("");
    expect(await api.countDuring("DealQueue", () => pass(30_000))).toBe(0);
  });

  it("opens the queue with a good token, and says what is wrong with a bad one", async () => {
    api.expects = "secret";
    await openPage();
    await signIn("wrong");
    expect(screen.getByRole("alert").textContent).toBe("This is not one of this server's.");
    await signIn("secret");
    expect(screen.getByRole("rowheader", { name: "Acme" })).toBeTruthy();
  });

  it("is done by a link's code, which leaves the address before anything else happens", async () => {
    api.expects = "one-time";
    await openPage("/?live=off#code=one-time");
    expect(api.sessions[0]).toBe("POST one-time");
    expect(location.href).toMatch(/\/\?live=off$/);
    expect(screen.getByRole("rowheader", { name: "Acme" })).toBeTruthy();
  });

  it("says that a code is spent, and offers the form", async () => {
    api.expects = "another";
    await openPage("/#code=spent");
    expect(screen.getByRole("alert").textContent).toBe("This is not one of this server's.");
    expect(screen.getByLabelText("Access token")).toBeTruthy();
    expect(location.hash).toBe("");
  });

  it("goes on to where the person wanted to go", async () => {
    const assign = vi.spyOn(location, "assign").mockReturnValue();
    api.expects = "one-time";
    await openPage("/?next=/graphiql#code=one-time");
    expect(assign).toHaveBeenCalledWith("/graphiql");
  });

  it("goes on at once when there is a session already", async () => {
    const assign = vi.spyOn(location, "assign").mockReturnValue();
    await openPage("/?next=/graphiql");
    expect(assign).toHaveBeenCalledWith("/graphiql");
  });
});

describe("A session", () => {
  it("that ends while the queue is shown is said to have ended", async () => {
    await openPage();
    api.expects = "secret";
    await pass(2_000);
    expect(screen.getByRole("alert").textContent).toBe("Your session has ended. Sign in again to continue.");
  });

  it("that may not read the queue is told why in the API's words", async () => {
    await openPage();
    api.outage = () => json(403, { errors: [{ message: "This page is another site's." }] });
    await pass(2_000);
    expect(screen.getByRole("alert").textContent).toBe("This page is another site's.");
  });

  it("ends with Sign out", async () => {
    await openPage();
    await click(screen.getByText("Sign out"));
    expect(api.sessions.at(-1)).toBe("DELETE");
    expect(screen.getByRole("alert").textContent).toBe("You are signed out.");
  });

  it("never shows what an earlier one had loaded", async () => {
    await openPage();
    await click(screen.getByText("Sign out"));
    api.outage = () => new Promise(() => {});
    api.expects = "another";
    await signIn("another");
    expect(screen.getByText("Loading deals")).toBeTruthy();
    expect(screen.queryByText("Acme")).toBeNull();
  });
});

describe("The place to go on to", () => {
  const next = (path: string) => nextPath(new URL(`http://here/?next=${encodeURIComponent(path)}`));

  it("is a path of this site", () => {
    expect(next("/graphiql?query=x")).toBe("/graphiql?query=x");
  });

  it.each(["//there/x", "/\\there/x", "http://there/x", "javascript:alert(1)", "graphiql", "", "/\t/there/x"])(
    "is never %j",
    (path) => {
      expect(next(path)).toBeNull();
    },
  );
});
