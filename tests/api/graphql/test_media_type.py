"""Content negotiation: the Accept header chooses the media type."""

import pytest

from api.graphql.media_type import preferred

NEW = "application/graphql-response+json"


OLD = "application/json"


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        ("", OLD),
        ("*/*", OLD),
        ("text/html", OLD),
        (OLD, OLD),
        (NEW, NEW),
        (f"{NEW}, {OLD}", NEW),
        (f"{NEW}, {OLD};q=0.9", NEW),
        (f"{OLD}, {NEW}", OLD),
        (f"{OLD};q=0.5, {NEW}; charset=utf-8", NEW),
        (f"{NEW};q=0", OLD),
        (f"{NEW};q=wrong", OLD),
    ],
)
def test_the_media_type_is_the_one_that_accept_ranks_first(accept: str, media_type: str) -> None:
    """application/json unless the newer type is requested."""
    assert preferred(accept) == media_type
