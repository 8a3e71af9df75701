"""Whether a request comes from this server's own page: browsers send cookies with requests of any page."""

from urllib.parse import urlsplit

from starlette.datastructures import Headers

_SAME = frozenset({"same-origin", "none"})


def is_same_origin(headers: Headers) -> bool:
    """As Go's http.CrossOriginProtection decides: Sec-Fetch-Site, else Origin against Host.

    A request without either header comes from no current browser, so no other site's page can have sent it.
    """
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site in _SAME
    origin = headers.get("origin")
    return origin is None or urlsplit(origin).netloc == headers.get("host")
