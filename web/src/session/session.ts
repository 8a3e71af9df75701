import { ApiError, type SignInNeeded } from "../api/errors";
import { type Credential, closeSession, openSession, readSession } from "../api/session";
import { nextPath } from "./next";

/** `notice` is a sentence shown above the sign-in form. */
export type SessionView = { kind: "signingIn" } | { kind: "open" } | { kind: "signIn"; notice: string | null };

const ENDED = "Your session has ended. Sign in again to continue.";
const SIGNED_OUT = "You are signed out.";

/** Whether the page shows the queue or the sign-in form. Inactive until `start()`. */
export class Session {
  #view: SessionView = { kind: "open" };
  readonly #listeners = new Set<() => void>();
  readonly #opened: () => void;

  /** `opened` runs after each sign-in, before the queue is shown: it drops the data of an earlier session. */
  constructor(opened: () => void) {
    this.#opened = opened;
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  readonly view = (): SessionView => this.#view;

  /** Handles the URL: a sign-in link's code (`/#code=...`), or the page to continue to (`?next=`). */
  async start(): Promise<void> {
    const code = new URLSearchParams(location.hash.slice(1)).get("code");
    if (code !== null) await this.#spend(code);
    else if (nextPath(new URL(location.href))) await this.#passOn();
  }

  /** Null on success, else the error message. */
  readonly signIn = async (credential: Credential): Promise<string | null> => {
    const problem = await inWords(openSession(credential));
    if (problem !== null) return problem;
    this.#opened();
    this.#enter();
    return null;
  };

  /** Null on success, else the error message. */
  readonly signOut = async (): Promise<string | null> => {
    const problem = await inWords(closeSession());
    if (problem === null) this.#show({ kind: "signIn", notice: SIGNED_OUT });
    return problem;
  };

  /** The API requires a sign-in; `hadData` distinguishes an ended session from none. */
  readonly expire = ({ reason }: SignInNeeded, hadData: boolean): void => {
    if (this.#view.kind === "open") this.#show({ kind: "signIn", notice: reason ?? (hadData ? ENDED : null) });
  };

  /** A code works once: it is removed from the URL first, so that no reload, bookmark or log has it. */
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

  /** Continues to the page from which the user was redirected to the sign-in. */
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

/** Null if the promise is fulfilled, else our error's message. */
async function inWords(promise: Promise<unknown>): Promise<string | null> {
  try {
    await promise;
    return null;
  } catch (error) {
    if (error instanceof ApiError) return error.message;
    throw error;
  }
}
