import { useSyncExternalStore } from "react";
import { QueuePage } from "./queue/QueuePage";
import { SignIn, SigningIn } from "./session/SignIn";
import type { Session } from "./session/session";

export function App({ session }: { session: Session }) {
  const view = useSyncExternalStore(session.subscribe, session.view);
  if (view.kind === "signingIn") return <SigningIn />;
  if (view.kind === "signIn") return <SignIn notice={view.notice} onSignIn={session.signIn} />;
  return <QueuePage onSignOut={session.signOut} />;
}
