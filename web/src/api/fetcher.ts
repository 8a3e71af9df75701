import { ApiDown, ApiRefused, SignInNeeded } from "./errors";
import { requestTimes } from "./requestTimes";
import { serverClock } from "./serverClock";

/** Longer than any real response takes; without it a silent connection would block polling indefinitely. */
const ANSWER_TIMEOUT_MS = 30_000;

type GraphQLError = { message: string; extensions?: { code?: string; requestId?: string } };
type GraphQLAnswer<TData> = { data?: TData | null; errors?: GraphQLError[] };
type Context = { signal?: AbortSignal };

/** Called by the generated hooks: returns the query function that sends one document to the API. */
export function fetchGraphQL<TData, TVariables>(
  document: { toString(): unknown },
  variables?: TVariables,
  headers?: RequestInit["headers"],
): (context?: Context) => Promise<TData> {
  const query = String(document).trim();
  const operation = /^query (\w+)/.exec(query)?.[1] ?? "";
  return async ({ signal } = {}) => {
    const startedAt = performance.now();
    const init = { method: "POST", body: JSON.stringify({ query, variables, operationName: operation }) };
    const response = await send(
      "/graphql",
      { ...init, headers: { ...headers, "Content-Type": "application/json" } },
      signal,
    );
    const data = await readData<TData>(response);
    requestTimes.record(operation, performance.now() - startedAt);
    return data;
  };
}

/** `fetch` with a timeout and our errors; also reads the server's clock from the response. */
export async function send(url: string, init: RequestInit, signal?: AbortSignal): Promise<Response> {
  const timeout = AbortSignal.timeout(ANSWER_TIMEOUT_MS);
  const sentAt = Date.now();
  try {
    const response = await fetch(url, { ...init, signal: signal ? AbortSignal.any([signal, timeout]) : timeout });
    serverClock.observe(response.headers.get("Date"), sentAt, Date.now());
    return response;
  } catch (error) {
    if (signal?.aborted) throw error;
    const detail = timeout.aborted ? `no response within ${ANSWER_TIMEOUT_MS / 1000} s` : "no connection";
    throw new ApiDown(detail, { cause: error });
  }
}

async function readData<TData>(response: Response): Promise<TData> {
  if (response.status === 401) throw new SignInNeeded();
  const answer = await readAnswer<TData>(response);
  const error = answer.errors?.[0];
  if (response.status === 403) throw new SignInNeeded(error?.message);
  if (error) throw refusal(error);
  if (!answer.data) throw new ApiDown(`HTTP ${response.status}, without data`);
  return answer.data;
}

/** A proxy's page in place of the API's response, or a truncated response, counts as no response. */
async function readAnswer<TData>(response: Response): Promise<GraphQLAnswer<TData>> {
  const type = response.headers.get("Content-Type")?.split(";")[0] ?? "no content type";
  if (!type.endsWith("json")) throw new ApiDown(response.ok ? `${type} received instead` : `HTTP ${response.status}`);
  try {
    const answer: GraphQLAnswer<TData> = await response.json();
    if (response.ok || answer.errors) return answer;
  } catch (error) {
    throw new ApiDown(`HTTP ${response.status}, truncated`, { cause: error });
  }
  throw new ApiDown(`HTTP ${response.status}`);
}

function refusal({ message, extensions }: GraphQLError): Error {
  if (extensions?.code === "UNAUTHENTICATED") return new SignInNeeded();
  return new ApiRefused(message, extensions?.requestId ?? null);
}
