import { type SubmitEvent, useState } from "react";
import type { Credential } from "../api/session";
import { Mark } from "../brand/Mark";

type Props = { notice: string | null; onSignIn: (credential: Credential) => Promise<string | null> };

/** Shown without a session; `notice` says why. */
export function SignIn({ notice, onSignIn }: Props) {
  const [problem, setProblem] = useState(notice);
  const [busy, setBusy] = useState(false);
  const submit = async (event: SubmitEvent<HTMLFormElement>) => {
    event.preventDefault();
    const token = String(new FormData(event.currentTarget).get("token")).trim();
    setBusy(true);
    setProblem(await onSignIn({ token }));
    setBusy(false);
  };
  return (
    <main className="sign-in">
      <title>Sign in · Deal Queue</title>
      <form onSubmit={submit}>
        <Mark />
        <h1>Sign in to Deal Queue</h1>
        <p role="alert">{problem}</p>
        <label>
          Access token
          {/* biome-ignore lint/a11y/noAutofocus: the only thing to do on this page */}
          <input name="token" type="password" autoComplete="current-password" required autoFocus spellCheck={false} />
        </label>
        <button type="submit" className="button primary" aria-disabled={busy}>
          {busy ? "Signing in…" : "Sign in"}
        </button>
        <Hint />
      </form>
    </main>
  );
}

function Hint() {
  return (
    <p className="hint">
      On the server, the admin token is in <code>.data/admin-token</code>, and <code>.venv/bin/python -m api link</code>{" "}
      prints a new sign-in link.
    </p>
  );
}

/** While the code of a sign-in link is being sent. */
export function SigningIn() {
  return (
    <main className="sign-in">
      <p role="status">Signing in…</p>
    </main>
  );
}
