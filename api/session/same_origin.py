"""Is it our own page that asks? Cookies come along with requests of any page; this tells them apart."""

from urllib.parse import urlsplit

from starlette.datastructures import Headers

_OURS = frozenset({"same-origin", "none"})


def is_same_origin(headers: Headers) -> bool:
    """As Go's http.CrossOriginProtection decides: Sec-Fetch-Site, else Origin against Host.

    A request with neither comes from no browser of this decade, so no foreign page can have sent it.
    """
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site in _OURS
    origin = headers.get("origin")
    return origin is None or urlsplit(origin).netloc == headers.get("host")
