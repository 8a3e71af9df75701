"""The headers that every response has, and the content security policies of the page and of GraphiQL."""

_PAGE_POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "connect-src": "'self'",
    "img-src": "'self' data:",
    "base-uri": "'none'",
    "form-action": "'self'",
    "frame-ancestors": "'none'",
    "require-trusted-types-for": "'script'",
}
# GraphiQL's editor writes styles into the document, loads its own fonts and runs web workers.
_GRAPHIQL_POLICY = _PAGE_POLICY | {
    "style-src": "'self' 'unsafe-inline'",
    "worker-src": "'self'",
    "font-src": "'self' data:",
}


def _policy(directives: dict[str, str]) -> str:
    return "; ".join(f"{name} {value}" for name, value in directives.items())


PAGE_CSP = _policy(_PAGE_POLICY)
GRAPHIQL_CSP = _policy(_GRAPHIQL_POLICY)

# Defaults: a route may set its own value, but no response is sent without one.
HEADERS = {
    "Content-Security-Policy": PAGE_CSP,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}
