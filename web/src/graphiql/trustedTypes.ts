/** The browser's Trusted Types, which TypeScript does not declare yet. */
type TrustedTypes = {
  createPolicy(
    name: string,
    rules: { createScriptURL(url: string): string; createHTML(html: string): string },
  ): unknown;
};

/**
 * Under `require-trusted-types-for 'script'` the policy named "default" decides on plain strings. Monaco starts its
 * workers from plain addresses: this site's own files only. GraphiQL shows the schema's descriptions as HTML that
 * markdown-it made of them with raw HTML switched off: as it is.
 */
const { trustedTypes } = globalThis as { trustedTypes?: TrustedTypes };
trustedTypes?.createPolicy("default", { createScriptURL: ownScript, createHTML: (html) => html });

function ownScript(address: string): string {
  const url = new URL(address, location.href);
  if (url.origin === location.origin) return url.href;
  throw new TypeError(`GraphiQL may not load ${url.href}: it is not one of this site's own files.`);
}
