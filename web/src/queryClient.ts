import { QueryCache, QueryClient } from "@tanstack/react-query";
import { SignInNeeded } from "./api/errors";
import { queryDefaults } from "./live/policy";

/** `onSignInNeeded` hears too whether the query had been answered before. */
export function createQueryClient(onSignInNeeded: (error: SignInNeeded, hadData: boolean) => void): QueryClient {
  const queryCache = new QueryCache({
    onError: (error, query) => {
      if (error instanceof SignInNeeded) onSignInNeeded(error, query.state.data !== undefined);
    },
  });
  return new QueryClient({ queryCache, defaultOptions: { queries: queryDefaults } });
}
