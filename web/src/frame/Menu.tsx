import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { readSession } from "../api/session";

type Props = { onHelp: () => void; onSignOut: () => Promise<string | null> };

/** The signed-in person, and everything that does not concern deals. */
export function Menu({ onHelp, onSignOut }: Props) {
  const [problem, setProblem] = useState<string | null>(null);
  return (
    <>
      <a className="bar-link" href="/graphiql">
        GraphiQL
      </a>
      <button type="button" className="menu-button" aria-label="Menu" popoverTarget="menu">
        <svg viewBox="0 0 16 16" aria-hidden="true">
          <path d="M2.5 4.5h11m-11 3.5h11m-11 3.5h11" />
        </svg>
      </button>
      <div id="menu" popover="auto" className="panel menu">
        <Who />
        <a href="/graphiql">GraphiQL</a>
        <button type="button" popoverTarget="menu" popoverTargetAction="hide" onClick={onHelp}>
          Keyboard shortcuts
        </button>
        <button type="button" onClick={() => onSignOut().then(setProblem)}>
          Sign out
        </button>
        {problem && <p className="problem">{problem}</p>}
      </div>
    </>
  );
}

function Who() {
  const { data } = useQuery({ queryKey: ["Session"], queryFn: readSession, staleTime: Number.POSITIVE_INFINITY });
  return data ? (
    <p className="who">
      <strong>{data.name}</strong>
      {data.role}
    </p>
  ) : null;
}
