import { vi } from "vitest";
import type { DealDetailQuery, QueueDealFragment, SyncRejectsQuery, SyncStatusQuery } from "../src/gql/generated";
import { at, NOW, runOf } from "./deals";

type Asked = { operationName: string; variables: Record<string, unknown> };
type Detail = NonNullable<DealDetailQuery["deal"]>;

/** Answers in place of the network, the way the API does. */
export class Api {
  deals: QueueDealFragment[] = [];
  /** Deals that the list does not reach. */
  unlisted: QueueDealFragment[] = [];
  details: Record<string, Partial<Detail>> = {};
  hasOlder = false;
  sync: SyncStatusQuery["syncStatus"] = {
    lastSyncAt: at(3),
    lastError: null,
    intervalSeconds: 5,
    accessWaits: [],
    stoppedProcesses: [],
    backfilled: true,
    backlog: null,
    heldDeals: 0,
    rejectedRecords: 0,
    callsLeftToday: 649_812,
  };
  rejects: SyncRejectsQuery["syncRejects"]["items"] = [];
  /** The credential that is accepted; null when there is a session already. */
  expects: string | null = null;
  /** Stands in for the answer of every GraphQL request while it is set. */
  outage: (() => Response | Promise<Response>) | null = null;
  readonly asked: Asked[] = [];
  readonly sessions: string[] = [];

  constructor() {
    vi.stubGlobal("fetch", (url: string, init: RequestInit = {}) => this.#answer(url, init));
  }

  /** How often an operation was asked for while `story` went on. */
  async countDuring(operation: string, story: () => Promise<unknown>): Promise<number> {
    const before = this.#count(operation);
    await story();
    return this.#count(operation) - before;
  }

  #count(operation: string): number {
    return this.asked.filter((request) => request.operationName === operation).length;
  }

  async #answer(url: string, init: RequestInit): Promise<Response> {
    init.signal?.throwIfAborted();
    const body = JSON.parse(String(init.body ?? "{}"));
    if (url === "/auth/session") return this.#session(init.method ?? "GET", body);
    this.asked.push(body);
    if (this.expects !== null) return json(401, { errors: [{ message: "Sign in to use this API." }] });
    return this.outage ? this.outage() : json(200, { data: this.#data(body) });
  }

  #session(method: string, body: { code?: string; token?: string }): Response {
    this.sessions.push(`${method} ${body.code ?? body.token ?? ""}`.trim());
    if (method === "DELETE") this.expects = "another";
    const accepted = this.expects === null || this.expects === (body.code ?? body.token);
    if (method === "POST" && accepted) this.expects = null;
    if (method === "GET") return accepted ? json(200, { name: "ada", role: "admin" }) : json(401, {});
    const refused = { error: { code: "INVALID_TOKEN", message: "This is not one of this server's." } };
    return method === "DELETE" || accepted ? new Response(null, { status: 204 }) : json(401, refused);
  }

  #data({ operationName, variables }: Asked): unknown {
    if (operationName === "DealQueue") return this.#queue(Number(variables.limit));
    if (operationName === "DealDetail") return { deal: this.#detail(String(variables.id)) };
    if (operationName === "SyncStatus") return { syncStatus: this.sync };
    if (operationName === "SyncRejects") return { syncRejects: { items: this.rejects } };
    return { pipeline: [{ key: "fetch", label: "Fetch" }] };
  }

  #queue(limit: number) {
    const nextBefore = this.hasOlder || this.deals.length > limit ? "cursor" : null;
    return { dealQueue: { items: this.deals.slice(0, limit), nextBefore } };
  }

  #detail(id: string): Detail | null {
    const deal = [...this.deals, ...this.unlisted].find((one) => one.id === id);
    if (!deal) return null;
    const hubspot = {
      hubspotPipeline: "default",
      hubspotStage: "won",
      hubspotStageLabel: "Closed won",
      closeDate: NOW,
    };
    return { ...deal, ...hubspot, runs: [runOf(deal)], ...this.details[id] };
  }
}

export function json(status: number, body: unknown): Response {
  return new Response(JSON.stringify(body), {
    status,
    headers: { "Content-Type": "application/json", Date: new Date().toUTCString() },
  });
}

export function html(status: number): Response {
  return new Response("<h1>Bad gateway</h1>", { status, headers: { "Content-Type": "text/html" } });
}
