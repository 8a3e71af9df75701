import type { GraphiQLProps } from "graphiql";

/** Queries the API with this browser's session, or with the bearer token from the headers tab. */
export const ask: GraphiQLProps["fetcher"] = async (parameters, options) => {
  const response = await fetch("/graphql", {
    method: "POST",
    headers: { ...options?.headers, "Content-Type": "application/json" },
    body: JSON.stringify(parameters),
  });
  // The session has ended: GraphiQL is not available without one, so its visitor must sign in first.
  if (response.status === 401 && !hasBearer(options?.headers)) location.assign("/?next=/graphiql");
  return response.json();
};

function hasBearer(headers: Record<string, unknown> | undefined): boolean {
  return Object.keys(headers ?? {}).some((name) => name.toLowerCase() === "authorization");
}
