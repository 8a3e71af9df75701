import { ApiDown, CredentialRefused, SignInNeeded } from "./errors";
import { send } from "./fetcher";

const SESSION = "/auth/session";

export type Credential = { code: string } | { token: string };
export type Person = { name: string; role: string };

/** Exchanges a sign-in link's code or an access token for the session cookie. */
export async function openSession(credential: Credential): Promise<void> {
  const headers = { "Content-Type": "application/json" };
  const response = await send(SESSION, { method: "POST", headers, body: JSON.stringify(credential) });
  if (!response.ok) throw await refusal(response);
}

/** The signed-in person. */
export async function readSession({ signal }: { signal?: AbortSignal } = {}): Promise<Person> {
  const response = await send(SESSION, {}, signal);
  if (response.status === 401) throw new SignInNeeded();
  if (!response.ok) throw await refusal(response);
  return response.json();
}

export async function closeSession(): Promise<void> {
  const response = await send(SESSION, { method: "DELETE" });
  if (!response.ok) throw await refusal(response);
}

/** With the API's message, if there is one. */
async function refusal(response: Response): Promise<Error> {
  try {
    const { error }: { error: { message: string } } = await response.json();
    return new CredentialRefused(error.message);
  } catch (cause) {
    return new ApiDown(`HTTP ${response.status}`, { cause });
  }
}
