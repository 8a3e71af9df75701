"""Content negotiation between the two media types of GraphQL over HTTP."""

from collections.abc import Iterator

JSON = "application/json"
GRAPHQL_RESPONSE = "application/graphql-response+json"


def preferred(accept: str) -> str:
    """The type that the Accept header ranks first; JSON unless GRAPHQL_RESPONSE is named, and first or above JSON."""
    ranked = sorted(_ranges(accept), key=lambda found: -found[1])
    return next((media for media, quality in ranked if quality > 0 and media in {JSON, GRAPHQL_RESPONSE}), JSON)


def _ranges(accept: str) -> Iterator[tuple[str, float]]:
    for part in accept.split(","):
        media, *parameters = (piece.strip().lower() for piece in part.split(";"))
        quality = next((piece[2:] for piece in parameters if piece.startswith("q=")), "1")
        yield media, _number(quality)


def _number(quality: str) -> float:
    try:
        return float(quality)
    except ValueError:
        return 0.0
