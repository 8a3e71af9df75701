"""The content security policy of the page."""

from api.security_headers import PAGE_CSP


def test_the_pages_policy_allows_this_origin_only() -> None:
    """No source of another origin, no inline script, no embedding in a frame."""
    assert PAGE_CSP == (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
        "base-uri 'none'; form-action 'self'; frame-ancestors 'none'; require-trusted-types-for 'script'"
    )
