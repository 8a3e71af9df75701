/** Base of all errors between this page and the API. The message is shown to the user. */
export class ApiError extends Error {
  override name = "ApiError";
}

/** No response from the API: no connection, a timeout, or a response that is not the API's. */
export class ApiDown extends ApiError {
  override name = "ApiDown";

  constructor(detail: string, options?: ErrorOptions) {
    super(`The API does not answer (${detail}).`, options);
  }
}

/** The API returned an error. */
export class ApiRefused extends ApiError {
  override name = "ApiRefused";

  constructor(reason: string, requestId: string | null) {
    const trace = requestId ? ` Request id: ${requestId}.` : "";
    super(`The API answered with an error: ${reason}${trace}`);
  }
}

/** There is no session, it has ended, or it may not read this; `reason` is the API's message if there is one. */
export class SignInNeeded extends ApiError {
  override name = "SignInNeeded";

  constructor(readonly reason: string | null = null) {
    super(reason ?? "Sign in to continue.");
  }
}

/** The API refused the code, the token or the page's origin; the message is the API's. */
export class CredentialRefused extends ApiError {
  override name = "CredentialRefused";
}
