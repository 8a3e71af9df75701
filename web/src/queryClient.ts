import { QueryCache, QueryClient } from "@tanstack/react-query";
import { SignInNeeded } from "./api/errors";
import { queryDefaults } from "./live/policy";

/** `onSignInNeeded` also receives whether the query had data before. */
export function createQueryClient(onSignInNeeded: (error: SignInNeeded, hadData: boolean) => void): QueryClient {
  const queryCache = new QueryCache({
    onError: (error, query) => {
      if (error instanceof SignInNeeded) onSignInNeeded(error, query.state.data !== undefined);
    },
  });
  return new QueryClient({ queryCache, defaultOptions: { queries: queryDefaults } });
}
