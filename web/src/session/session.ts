import { ApiError, type SignInNeeded } from "../api/errors";
import { type Credential, closeSession, openSession, readSession } from "../api/session";
import { nextPath } from "./next";

/** `notice` is what the person should know first, in words. */
export type SessionView = { kind: "signingIn" } | { kind: "open" } | { kind: "signIn"; notice: string | null };

const ENDED = "Your session has ended. Sign in again to go on.";
const SIGNED_OUT = "You are signed out.";

/** Whether the page shows the queue or the sign-in form. Starts with `start()`, not by being made. */
export class Session {
  #view: SessionView = { kind: "open" };
  readonly #listeners = new Set<() => void>();
  readonly #opened: () => void;

  /** `opened` runs after each sign-in, before the queue is shown: what an earlier session loaded must go. */
  constructor(opened: () => void) {
    this.#opened = opened;
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  readonly view = (): SessionView => this.#view;

  /** What the address asks for: a sign-in link's code to spend (`/#code=...`), or a place to go on to (`?next=`). */
  async start(): Promise<void> {
    const code = new URLSearchParams(location.hash.slice(1)).get("code");
    if (code !== null) await this.#spend(code);
    else if (nextPath(new URL(location.href))) await this.#passOn();
  }

  /** Null when it worked, else the reason in words. */
  readonly signIn = async (credential: Credential): Promise<string | null> => {
    const problem = await inWords(openSession(credential));
    if (problem !== null) return problem;
    this.#opened();
    this.#enter();
    return null;
  };

  /** Null when it worked, else the reason in words. */
  readonly signOut = async (): Promise<string | null> => {
    const problem = await inWords(closeSession());
    if (problem === null) this.#show({ kind: "signIn", notice: SIGNED_OUT });
    return problem;
  };

  /** The API asked for a sign-in; `hadData` tells a session that ended from one that never was. */
  readonly expire = ({ reason }: SignInNeeded, hadData: boolean): void => {
    if (this.#view.kind === "open") this.#show({ kind: "signIn", notice: reason ?? (hadData ? ENDED : null) });
  };

  /** A code works once: it leaves the address first, so that no reload, bookmark or log sees it again. */
  async #spend(code: string): Promise<void> {
    history.replaceState(null, "", location.pathname + location.search);
    this.#show({ kind: "signingIn" });
    const problem = await this.signIn({ code });
    if (problem !== null) this.#show({ kind: "signIn", notice: problem });
  }

  async #passOn(): Promise<void> {
    this.#show({ kind: "signingIn" });
    const problem = await inWords(readSession());
    if (problem === null) this.#enter();
    else this.#show({ kind: "signIn", notice: problem });
  }

  /** Goes where the person wanted to go before they were sent here to sign in. */
  #enter(): void {
    const next = nextPath(new URL(location.href));
    if (next) location.assign(next);
    else this.#show({ kind: "open" });
  }

  #show(view: SessionView): void {
    this.#view = view;
    for (const listener of this.#listeners) listener();
  }
}

/** Null when the promise was kept, our error's message when not. */
async function inWords(promise: Promise<unknown>): Promise<string | null> {
  try {
    await promise;
    return null;
  } catch (error) {
    if (error instanceof ApiError) return error.message;
    throw error;
  }
}
