import { QueryClientProvider } from "@tanstack/react-query";
import { type ReactElement, StrictMode } from "react";
import { App } from "./App";
import { createQueryClient } from "./queryClient";
import { Session } from "./session/session";

/** Assembles the page and handles its URL, for example a sign-in code. */
export function createPage(): ReactElement {
  const session = new Session(() => queryClient.clear());
  const queryClient = createQueryClient(session.expire);
  session.start();
  return (
    <StrictMode>
      <QueryClientProvider client={queryClient}>
        <App session={session} />
      </QueryClientProvider>
    </StrictMode>
  );
}
