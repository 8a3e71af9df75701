/** Where to go after signing in: `?next=/path`, a path on this site, else null. */
export function nextPath(address: URL): string | null {
  const next = new URLSearchParams(address.search).get("next");
  // "//host" and "/\host" are other sites for a browser.
  if (!next || !/^\/(?![/\\])/.test(next)) return null;
  const target = new URL(next, address.origin);
  return target.origin === address.origin ? target.pathname + target.search : null;
}
