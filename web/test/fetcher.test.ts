import { beforeEach, describe, expect, it, vi } from "vitest";
import { fetchGraphQL } from "../src/api/fetcher";
import { html, json } from "./api";

const ask = fetchGraphQL<{ dealQueue: string }, { limit: number }>("query DealQueue($limit: Int!) { x }", {
  limit: 50,
});

let answer: () => Response | Promise<Response>;
let sent: RequestInit[] = [];
beforeEach(() => {
  sent = [];
  vi.stubGlobal("fetch", (_url: string, init: RequestInit) => {
    sent.push(init);
    return answer();
  });
});

describe("Asking the API", () => {
  it("posts the document, its variables and its name as JSON", async () => {
    answer = () => json(200, { data: { dealQueue: "rows" } });
    expect(await ask()).toEqual({ dealQueue: "rows" });
    const [request] = sent;
    expect(request?.method).toBe("POST");
    expect(request?.headers).toEqual({ "Content-Type": "application/json" });
    expect(JSON.parse(String(request?.body))).toMatchObject({ variables: { limit: 50 }, operationName: "DealQueue" });
  });

  it.each([
    ["no connection", () => Promise.reject(new TypeError("refused")), "The API does not answer (no connection)."],
    ["a proxy's error page", () => html(503), "The API does not answer (HTTP 503)."],
    ["a proxy's login page", () => html(200), "The API does not answer (text/html received instead)."],
    ["an error that is not GraphQL's", () => json(500, { detail: "no" }), "The API does not answer (HTTP 500)."],
    ["an answer without data", () => json(200, { data: null }), "The API does not answer (HTTP 200, without data)."],
    [
      "a GraphQL error",
      () => json(400, { errors: [{ message: "Bad limit." }] }),
      "The API answered with an error: Bad limit.",
    ],
    ["no session", () => json(401, {}), "Sign in to continue."],
    [
      "no session, said in GraphQL",
      () => json(200, { errors: [{ message: "x", extensions: { code: "UNAUTHENTICATED" } }] }),
      "Sign in to continue.",
    ],
  ])("says in a sentence what is wrong when there is %s", async (_case, given, sentence) => {
    answer = given;
    await expect(ask()).rejects.toThrow(sentence);
  });

  it("gives up an answer that is truncated", async () => {
    answer = () => new Response('{"data":', { headers: { "Content-Type": "application/json" } });
    await expect(ask()).rejects.toThrow("The API does not answer (HTTP 200, truncated).");
  });

  it("ends with the query that asked", async () => {
    const asked = new AbortController();
    answer = () => Promise.reject(sent[0]?.signal?.reason);
    asked.abort(new Error("not needed any more"));
    await expect(ask({ signal: asked.signal })).rejects.toThrow("not needed any more");
  });
});
