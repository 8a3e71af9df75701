/** Everything that can go wrong between this page and the API. The message is what a person reads. */
export class ApiError extends Error {
  override name = "ApiError";
}

/** The API does not answer: no connection, no answer in time, or an answer that is not the API's. */
export class ApiDown extends ApiError {
  override name = "ApiDown";

  constructor(detail: string, options?: ErrorOptions) {
    super(`The API does not answer (${detail}).`, options);
  }
}

/** The API answered that it could not do what was asked. */
export class ApiRefused extends ApiError {
  override name = "ApiRefused";

  constructor(reason: string, requestId: string | null) {
    const trace = requestId ? ` Request id: ${requestId}.` : "";
    super(`The API answered with an error: ${reason}${trace}`);
  }
}

/** There is no session, it has ended, or it may not read this; `reason` is the API's sentence where it gave one. */
export class SignInNeeded extends ApiError {
  override name = "SignInNeeded";

  constructor(readonly reason: string | null = null) {
    super(reason ?? "Sign in to go on.");
  }
}

/** The API accepts no such code or token, or not from here; the message is the API's. */
export class CredentialRefused extends ApiError {
  override name = "CredentialRefused";
}
